"""Programs and files of Debian's that the tests need, installed where they are missing and root may install."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
import typing as t
from pathlib import Path

# Debian has some where the path of an ordinary user does not lead.
_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
_APT = ("apt-get", "--quiet", "--option", "DPkg::Lock::Timeout=300")
_Found = t.TypeVar("_Found")


class NotInstalled(Exception):
    """A program is missing, and cannot be installed here."""


def program(name: str, package: str) -> Path:
    """Return where a program is; its package is installed first if it is missing.

    Args:
        name: Of the program.
        package: Debian's package that has it.

    Raises:
        NotInstalled: It is missing, and this is no Debian, or not its root, or apt-get failed.
    """
    return Path(_present(lambda: shutil.which(name, path=_PATH), name, package))


def folder(path: Path, package: str) -> Path:
    """Return a folder; the package that brings it is installed first if it is missing.

    Args:
        path: Of the folder.
        package: Debian's package that has it.

    Raises:
        NotInstalled: It is missing, and this is no Debian, or not its root, or apt-get failed.
    """
    return _present(lambda: path if path.is_dir() else None, str(path), package)


def _present(find: t.Callable[[], _Found | None], what: str, package: str) -> _Found:
    # Tests run in several processes, and apt-get fails where another one is at work.
    with (Path(tempfile.gettempdir()) / "tests-install-from-debian.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = find()
        if found is None and not os.geteuid() and shutil.which("apt-get"):
            _install(package)
            found = find()
    if found is None:
        problem = f"the tests need `{what}`: install Debian's package {package}"
        raise NotInstalled(problem)
    return found


def _install(package: str) -> None:
    install = [*_APT, "install", "--yes", "--no-install-recommends", package]
    # The second time round for a machine without the lists of packages, or with old ones.
    for command in (install, [*_APT, "update"], install):
        done = _run(command)
        if command is install and not done.returncode:
            return
    problem = f"apt-get could not install {package}:\n{done.stderr}"
    raise NotInstalled(problem)


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
