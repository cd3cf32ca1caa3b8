"""A MariaDB server of the tests' own: installed from Debian where it is missing, and never the machine's service."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import typing as t
from pathlib import Path

import sqlalchemy as sa

from tests import debian
from tests.databases import place_of_servers

VARIABLE = "CONTACTDB_TEST_MARIADB_URL"
# The server and nothing else: this package starts no service.
_PACKAGE = "mariadb-server-core"
_TABLES = ("mysql_system_tables.sql", "mysql_system_tables_data.sql")
# What is written may be lost with the machine, as these databases may.
_QUICK = (
    "--skip-log-bin",
    "--skip-name-resolve",
    "--innodb-log-file-size=32M",
    "--innodb-buffer-pool-size=64M",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-flush-method=nosync",
    "--innodb-doublewrite=0",
    "--innodb-file-per-table=0",
    "--sync-frm=0",
    "--performance-schema=0",
)


class NoServer(Exception):
    """There is no MariaDB server, and none can be had."""


@contextlib.contextmanager
def server() -> t.Iterator[sa.URL]:
    """Run a server for the length of a block, or take the one that the environment names: the URL of an administrator.

    Raises:
        NoServer: None is installed, and none can be installed here.
    """
    given = os.environ.get(VARIABLE)
    if given:
        yield sa.make_url(given)
        return
    try:
        program = str(debian.program("mariadbd", _PACKAGE))
    except debian.NotInstalled as error:
        problem = f"{error}, or set {VARIABLE} to an administrator's URL"
        raise NoServer(problem) from None
    # Not below pytest's own folder: the path of a socket may have some hundred characters only.
    folder = Path(tempfile.mkdtemp(prefix="mariadb-", dir=place_of_servers()))
    try:
        with _running(program, folder) as door:
            yield sa.URL.create("mysql+pymysql", "root", query={"unix_socket": str(door)})
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def _running(program: str, folder: Path) -> t.Iterator[Path]:
    data, door, log = folder / "data", folder / "socket", folder / "log"
    # A server that starts removes what others have left where it keeps its temporary tables.
    temporary = folder / "temporary"
    data.mkdir()
    temporary.mkdir()
    user = [] if os.geteuid() else ["--user=root"]
    command = [program, "--no-defaults", *user, f"--datadir={data}", f"--tmpdir={temporary}", *_QUICK]
    scripts = [(Path("/usr/share/mysql") / name).read_bytes() for name in _TABLES]
    sql = b"\n".join((b"CREATE DATABASE mysql;", b"USE mysql;", *scripts))
    with log.open("wb") as output:
        subprocess.run([*command, "--bootstrap"], input=sql, stdout=output, stderr=output, check=True)
        command += [f"--socket={door}", f"--pid-file={folder / 'pid'}", "--skip-networking"]
        with subprocess.Popen(command, stdout=output, stderr=output) as process:
            try:
                while not _answers(door):
                    if process.poll() is not None:
                        raise NoServer(log.read_text(errors="replace"))
                yield door
            finally:
                process.terminate()


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as caller, contextlib.suppress(OSError):
        caller.connect(str(path))
        return True
    return False
