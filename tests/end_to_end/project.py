"""A copy of this project that tests can run Meltano in, as a user does."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import typing as t
from dataclasses import dataclass
from pathlib import Path

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from shopify_sandbox.process import Sandbox

REPOSITORY = Path(__file__).resolve().parents[2]
LONGEST_RUN_SECONDS = 120
JOB_STATE_IDS = ("tap-shopify-customers-to-target-contactdb", "tap-shopify-checkouts-to-target-contactdb")


@dataclass(frozen=True)
class Ended:
    """A program that has ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[str]:
        """What it said on standard error, line by line."""
        return self.stderr.splitlines()

    def lines_of(self, level: str, *, plugins_only: bool = True) -> list[str]:
        """The lines of one level, such as `error`; those of the plugins, or also those of Meltano itself."""
        marked = [line for line in self.lines if f"[{level}" in line[:50]]
        return [line for line in marked if not plugins_only or "] meltano " not in line]

    def check(self) -> Ended:
        """Return itself.

        Raises:
            AssertionError: If the program did not succeed.
        """
        assert self.exit_code == 0, f"exit code {self.exit_code}\n{self.stdout}\n{self.stderr}"
        return self


@dataclass(frozen=True)
class Project:
    """A copy of the project with Meltano and the plugins installed."""

    folder: Path

    @classmethod
    def copy_to(cls, folder: Path) -> Project:
        """Copy what belongs to the repository, and install the plugins into the copy."""
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
            cwd=REPOSITORY,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for name in filter(None, listed.split("\0")):
            source, copy = REPOSITORY / name, folder / name
            # A file that was removed is listed until that is committed.
            if source.is_file():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, copy)
        (folder / ".venv-meltano").symlink_to(REPOSITORY / ".venv-meltano")
        project = cls(folder)
        project.meltano("install", settings={}).check()
        return project

    def meltano(self, *arguments: str, settings: Mapping[str, str]) -> Ended:
        """Run Meltano to its end with these environment variables, and none of those that would configure it."""
        with self.start_meltano(*arguments, settings=settings) as process:
            stdout, stderr = process.communicate(timeout=LONGEST_RUN_SECONDS)
        return Ended(process.returncode, stdout, stderr)

    def start_meltano(self, *arguments: str, settings: Mapping[str, str]) -> subprocess.Popen[str]:
        """Start Meltano in a process group of its own."""
        return subprocess.Popen(
            [str(self.folder / "meltano"), *arguments],
            cwd=self.folder,
            env={**clean_environment(), **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def log_text(self) -> str:
        """Everything that any run has written to a log file."""
        files = sorted(path for path in (self.folder / "logs").rglob("*") if path.is_file())
        return "\n".join(path.read_text(encoding="utf-8") for path in files)


@dataclass(frozen=True)
class Installation:
    """One user's settings for the project: a store, a contact database, and where Meltano keeps its state."""

    project: Project
    settings: dict[str, str]
    environment: str = "dev"

    @classmethod
    def of(
        cls, project: Project, store: Sandbox, database_url: str, system_url: str, environment: str = "dev"
    ) -> Installation:
        """Settings that carry a sandbox store into a database."""
        settings = {
            "TAP_SHOPIFY_CONTACTS_SHOP": store.shop,
            "TAP_SHOPIFY_CONTACTS_ACCESS_TOKEN": store.token,
            "TAP_SHOPIFY_CONTACTS_API_URL": store.url,
            "TARGET_CONTACTDB_SQLALCHEMY_URL": database_url,
            "MELTANO_DATABASE_URI": system_url,
        }
        return cls(project, settings, environment)

    def with_settings(self, **settings: str | None) -> Installation:
        """The same with some settings changed, and those that are None taken away."""
        changed = {name: value for name, value in (self.settings | settings).items() if value is not None}
        return Installation(self.project, changed, self.environment)

    def meltano(self, *arguments: str) -> Ended:
        """Run a Meltano command in this installation's environment."""
        return self.project.meltano("--environment", self.environment, *arguments, settings=self.settings)

    def sync(self, *options: str) -> Ended:
        """Run the job."""
        return self.meltano("run", *options, "shopify-sync")

    def start_sync(self) -> subprocess.Popen[str]:
        """Start the job and leave it running."""
        return self.project.start_meltano(
            "--environment", self.environment, "run", "shopify-sync", settings=self.settings
        )


def kill_group(process: subprocess.Popen[str]) -> None:
    """Kill a program and everything it started, with no chance to clean up."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def clean_environment() -> dict[str, str]:
    """This process's environment without what would configure Meltano or the plugins."""
    prefixes = ("MELTANO_", "TAP_SHOPIFY_", "TARGET_CONTACTDB_")
    return {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}
