"""The target works with both minor versions of SQLAlchemy: with the newer one in all tests, with the older one here."""

from __future__ import annotations

import subprocess

from tests.project.documents import REPOSITORY

ENVIRONMENT = ".venv-sqlalchemy-2.0"
# On all engines: migrations, exact amounts, consent that is decided again, and what MariaDB does otherwise.
TESTS = ("test_migrations.py", "test_checkouts.py", "test_changed_options.py", "test_noticing.py", "test_mariadb.py")


def _run(*command: str) -> str:
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_target_works_with_sqlalchemy_2_0() -> None:
    _run("make", f"{ENVIRONMENT}/.installed")
    python = str(REPOSITORY / ENVIRONMENT / "bin" / "python")
    told = _run(python, "-c", "import sqlalchemy; print(sqlalchemy.__version__)")
    ended = _run(
        python, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", *(f"tests/target/{name}" for name in TESTS)
    )

    assert told.startswith("2.0.")
    assert " passed" in ended
    assert "skipped" not in ended
