"""Carry a sandbox store into a contact database, let it live a little, carry the changes, show and use the result."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from demo.commands import CommandFailed, Interrupted, raise_on_signals, run
from shopify_sandbox.process import running_sandbox

CUSTOMERS = 1_000
CHECKOUTS = 250
SEED = 7
AN_HOUR = 3_600

PROJECT = Path(__file__).resolve().parent.parent
FOLDER = PROJECT / "output" / "demo"

SEGMENT = "Warm carts"
CONDITION = "may_email = true and checkout.updated_at within 7 days and checkout.price >= 50"
NODE = (
    *("node", "abandoned-checkout", "--flow", "reminder", "--after", "60"),
    *("--max-age", "7d", "--segment", SEGMENT, "--limit", "20"),
)
SENDER = """\
[sender]
name = "Example Shop"
email = "hello@example.com"
postal_address = "Example Shop, 1 High Street, Dublin"

[unsubscribe]
url = "https://example.com/leave?contact={contact_id}&by={channel}"
"""

NEXT = """\
[bold]Next, with a real store[/bold]
  cp .env.example .env          then write your shop and its credentials into it
  ./meltano run shopify-sync    reads everything at first, then the changes
  ./meltano invoke target-contactdb:status
README.md says how to get those credentials.

[bold]To look around in this one[/bold]: its database stays until the next demonstration; the store has stopped
  ./meltano --env-file {settings} invoke target-contactdb:log       or segment, node, contact, why
  ./meltano --env-file {settings} run dbt-sqlite:build               the reports
  The message is in {message}: open the .html in a browser, or the .eml with a mail program.
"""

SHOWN = (
    *("flow", "contact", "contact_id", "email", "first_name", "may_email", "may_sms", "age_minutes", "checkout"),
    *("abandoned_checkout_url", "currency", "total_price"),
    *("products", "title", "variant_title", "quantity", "image_url"),
)
"""What is shown of a line of the node."""


@dataclass(frozen=True)
class Demo:
    """Where the demonstration keeps its files and what it calls."""

    console: Console
    folder: Path

    @property
    def database(self) -> Path:
        """The contact database."""
        return self.folder / "contacts.db"

    @property
    def settings(self) -> Path:
        """The file that takes the place of `.env`, so that a user's own is neither read nor changed."""
        return self.folder / ".env"

    @property
    def message(self) -> Path:
        """The folder of the One to one message."""
        return self.folder / "message"

    def write_sender(self) -> str:
        """Write the settings of messages, and return where they are."""
        file = self.folder / "message.toml"
        file.write_text(SENDER, encoding="utf-8")
        return str(file.relative_to(PROJECT))

    def prepare(self) -> None:
        """Begin with an empty folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)

    def configure(self, *, shop: str, token: str, url: str) -> None:
        """Write the settings of the store that is running now. Meltano's own state has a database of its own here."""
        self.settings.write_text(
            f"TAP_SHOPIFY_CONTACTS_SHOP='{shop}'\n"
            f"TAP_SHOPIFY_CONTACTS_ACCESS_TOKEN='{token}'\n"
            f"TAP_SHOPIFY_CONTACTS_API_URL='{url}'\n"
            f"TARGET_CONTACTDB_SQLALCHEMY_URL='{self._url('contacts.db')}'\n"
            f"MELTANO_DATABASE_URI='{self._url('meltano.db')}'\n",
            encoding="utf-8",
        )

    def synchronize(self) -> None:
        """Run the job, as a user does.

        Raises:
            CommandFailed: If it does not succeed.
        """
        run(
            [str(PROJECT / "meltano"), "--env-file", str(self.settings), "--environment", "dev", "run", "shopify-sync"],
            directory=PROJECT,
            environment=_clean_environment(),
        )

    def show(self, *arguments: str) -> None:
        """Print what `contactdb` says, straight to the terminal.

        Raises:
            CommandFailed: If it does not succeed.
        """
        self._announce(arguments)
        sys.stdout.flush()
        self._call(arguments, None)
        self.console.print()

    def enter(self, *arguments: str) -> str:
        """Let contacts enter a flow, keep the node's lines, print one in short, and return the key of its contact.

        Raises:
            CommandFailed: If it does not succeed, or nobody enters.
        """
        self._announce(arguments)
        lines = self._call(arguments, subprocess.PIPE)
        if not lines:
            raise CommandFailed(["contactdb", *arguments], 0, "nobody enters")
        file = self.folder / "entries.jsonl"
        file.write_text(lines, encoding="utf-8")
        entries = [json.loads(line) for line in lines.splitlines()]
        chosen = max(entries, key=worth_showing)
        self.console.print_json(json.dumps(shortened(chosen)))
        self.console.print(f"[dim]One of {len(entries)} lines, in short; {file.relative_to(PROJECT)} has them.[/dim]")
        self.console.print()
        return f"#{chosen['contact']['contact_id']}"

    def _announce(self, arguments: t.Sequence[str]) -> None:
        line = Text(f"$ contactdb {shlex.join(arguments)}", style="bold cyan")
        self.console.print(line, soft_wrap=True)

    def _call(self, arguments: t.Sequence[str], output: int | None) -> str:
        command = [str(Path(sys.executable).parent / "contactdb"), *arguments]
        environment = {**_clean_environment(), "TARGET_CONTACTDB_SQLALCHEMY_URL": self._url("contacts.db")}
        ended = subprocess.run(command, env=environment, cwd=PROJECT, stdout=output, text=True, check=False)
        if ended.returncode != 0:
            raise CommandFailed(command, ended.returncode, "")
        return ended.stdout or ""

    def somebody_with_a_checkout(self) -> str:
        """Return the user code of a contact that may be written to and has a handful of things in its cart."""
        with contextlib.closing(sqlite3.connect(self.database)) as connection:
            (user_code,) = connection.execute(
                "SELECT user_code FROM abandoned_checkout_node WHERE line_items_quantity BETWEEN 3 AND 6"
                " ORDER BY may_email DESC, may_sms DESC, updated_at DESC LIMIT 1"
            ).fetchone()
        return str(user_code)

    @contextlib.contextmanager
    def step(self, text: str) -> t.Iterator[None]:
        """Show one step while it is under way, and what it took when it is done."""
        began = time.monotonic()
        with self.console.status(text):
            yield
        self.console.print(f"[green]done[/green]  {text} [dim]{time.monotonic() - began:.1f} s[/dim]")

    def _url(self, name: str) -> str:
        return f"sqlite:///{self.folder / name}"


def perform(demo: Demo) -> None:
    """Do everything, from the empty folder to the tables.

    Raises:
        CommandFailed: If a program that is run does not succeed.
        RuntimeError: If the sandbox store does not start or refuses a request.
        OSError: If the sandbox store does not answer, or a file cannot be written.
    """
    demo.prepare()
    with contextlib.ExitStack() as stack:
        with demo.step(f"Start the sandbox store: {CUSTOMERS:,} customers, {CHECKOUTS} abandoned checkouts"):
            # The hour that it lives ends now: nothing lies in the future.
            began = dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(seconds=AN_HOUR)
            store = stack.enter_context(
                running_sandbox(customers=CUSTOMERS, checkouts=CHECKOUTS, seed=SEED, now=began.isoformat())
            )
            demo.configure(shop=store.shop, token=store.token, url=store.url)
        with demo.step("Run shopify-sync: everything"):
            demo.synchronize()
        with demo.step("Let the store live for an hour"):
            happened = store.control("POST", "tick", {"seconds": AN_HOUR})
        for line in _describe(happened):
            demo.console.print(f"      {line}", style="dim", highlight=False)
        with demo.step("Run shopify-sync again: what has changed"):
            demo.synchronize()
    demo.console.print()
    demo.console.print(
        f"`contactdb` below is in .venv/bin; `./meltano --env-file {demo.settings.relative_to(PROJECT)} invoke"
        " target-contactdb:status` is the same as `contactdb status` on this database.",
        style="dim",
        highlight=False,
    )
    demo.console.print()
    demo.show("status")
    demo.show("log")
    somebody = demo.somebody_with_a_checkout()
    demo.show("contact", somebody)
    demo.show("why", somebody)
    demo.show("segment", "--where", CONDITION, "--save", SEGMENT)
    demo.show("segment", SEGMENT, "--limit", "5")
    entering = demo.enter(*NODE)
    into = str(demo.message.relative_to(PROJECT))
    demo.show("message", entering, "--settings", demo.write_sender(), "--out", into)
    demo.console.print(
        NEXT.format(settings=demo.settings.relative_to(PROJECT), message=into), highlight=False, soft_wrap=True
    )


def worth_showing(entry: dict[str, t.Any]) -> tuple[bool, bool, int]:
    """Return how much there is to see in a message about an entry: amounts, a picture of everything, how many pictures.

    Amounts are in the shop's currency; a cart that the person saw in another one has its total alone.
    """
    cart = entry["checkout"]
    pictures = [product["image_url"] for product in cart["products"]]
    return cart["presentment_currency"] == cart["currency"], all(pictures), len(pictures)


def shortened(value: t.Any) -> t.Any:
    """Return a JSON value with what is in `SHOWN`, and how much it has besides."""
    if isinstance(value, list):
        return [shortened(element) for element in value]
    if not isinstance(value, dict):
        return value
    kept = {name: shortened(value[name]) for name in value if name in SHOWN}
    return {**kept, "…": f"{len(value) - len(kept)} more"}


def main() -> int:
    """Run the demonstration and return its exit code."""
    demo = Demo(console=Console(), folder=FOLDER)
    try:
        with raise_on_signals():
            perform(demo)
    except Interrupted as interrupted:
        demo.console.print("Stopped.")
        return interrupted.exit_code
    except CommandFailed as failure:
        if failure.tail:
            demo.console.print(failure.tail, markup=False, highlight=False)
        demo.console.print(f"[red]The demonstration failed:[/red] {failure}")
        return 1
    except (RuntimeError, OSError) as failure:
        demo.console.print(f"[red]The demonstration failed:[/red] {failure}")
        return 1
    return 0


def _clean_environment() -> dict[str, str]:
    """Return this process's environment without what would configure Meltano or the plugins."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MELTANO_", "TAP_SHOPIFY_", "TARGET_CONTACTDB_"))
    }


def _describe(happened: dict[str, t.Any]) -> list[str]:
    """Put the store's counts into lines: what happened to customers, to their consents, to checkouts."""
    counts = {name: happened[name] for name in happened if "_" in name}
    return [
        ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items() if name.startswith(subjects))
        for subjects in (("customers", "orders"), ("consents",), ("checkouts", "carts"))
    ]


if __name__ == "__main__":
    sys.exit(main())
