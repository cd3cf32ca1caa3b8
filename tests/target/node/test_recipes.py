"""The recipes in examples/flows: each sends at least once, under one key, and to nobody who has opted out meanwhile."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import typing as t
from concurrent.futures import Future
from pathlib import Path

import pytest

from target_contactdb import tables
from target_contactdb.causes import PERSON
from target_contactdb.node.rules import Verdict
from tests import debian
from tests.target.node.shop import SHOP, Shop

if t.TYPE_CHECKING:
    from tests.target.node.web_service import WebService

FLOWS = Path(__file__).parents[3] / "examples" / "flows"
WAYS = ("abandoned-checkout", "--flow", "reminder", "--after", "60")
KEYS = [f"reminder/checkout:{SHOP}/{number}" for number in (11, 12)]
RECIPES = ("loop.sh", "consumer.py", "airflow_poll.py")
KILLED = -signal.SIGKILL
POLL = "import airflow_poll; print(airflow_poll.poll())"
# What the shell loop sends by: the command of whoever uses it.
SEND = """
import os, sys, urllib.request
headers = {"Content-Type": "application/json", "Idempotency-Key": os.environ["IDEMPOTENCY_KEY"]}
urllib.request.urlopen(urllib.request.Request(os.environ["MAIL_URL"], sys.stdin.buffer.read(), headers), timeout=30)
"""


class Recipes:
    """The recipes on one database, with a web service that they send to."""

    def __init__(self, url: str, service: WebService, folder: Path) -> None:
        commands = os.pathsep.join(
            (str(Path(sys.executable).parent), str(debian.program("jq", "jq").parent), os.environ["PATH"])
        )
        self.environment = {
            **os.environ,
            "PATH": commands,
            "PYTHONPATH": str(FLOWS),
            "TARGET_CONTACTDB_SQLALCHEMY_URL": url,
            "MAIL_URL": service.url,
        }
        self._folder = folder
        self._send = folder / "send.py"
        self._send.write_text(SEND)

    def command(self, recipe: str, *ways: str) -> list[str]:
        """Return how a recipe is started."""
        if recipe == "loop.sh":
            return [str(FLOWS / recipe), *ways, "--", sys.executable, str(self._send)]
        if recipe == "airflow_poll.py":
            return [sys.executable, "-c", POLL]
        return [sys.executable, str(FLOWS / recipe), *ways]

    def start(self, *command: str, **environment: str) -> subprocess.Popen[str]:
        """Start a command."""
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self._folder,
            env=self.environment | environment,
        )

    def run(self, *command: str, **environment: str) -> tuple[int, str, str]:
        """Run a command to its end, and return its exit code and what it said."""
        process = self.start(*command, **environment)
        out, err = process.communicate()
        return process.returncode, out, err


@pytest.fixture
def shop(migrated_sqlite_url: str) -> t.Iterator[Shop]:
    """Contacts 1 and 2 left the checkouts 11 and 12 two hours ago, and an import has read on since."""
    shop = Shop(migrated_sqlite_url)
    for number in (1, 2):
        shop.contact(number)
        shop.checkout(10 + number, number, 120 - number)
    shop.read_checkouts(10)
    yield shop
    shop.close()


@pytest.fixture
def recipes(shop: Shop, receiver: WebService, tmp_path: Path) -> Recipes:
    return Recipes(shop.url, receiver, tmp_path)


def is_final(shop: Shop) -> dict[int, bool]:
    return {row["contact_id"]: row["acknowledged_at"] is not None for row in shop.rows(tables.flow_entries)}


@pytest.mark.parametrize("recipe", RECIPES)
def test_each_entry_is_sent_once(shop, recipes, receiver, recipe):
    command = recipes.command(recipe, *WAYS)

    first, second = recipes.run(*command), recipes.run(*command)

    said = ("True\n", "False\n") if recipe == "airflow_poll.py" else ("", "")
    assert (first, second) == ((0, said[0], ""), (0, said[1], ""))
    assert receiver.keys == KEYS
    bodies = [json.loads(body) for _key, _signature, body in receiver.received]
    assert [(body["idempotency_key"], body["contact"]["email"]) for body in bodies] == [
        (KEYS[0], "c1@example.com"),
        (KEYS[1], "c2@example.com"),
    ]
    assert is_final(shop) == {1: True, 2: True}


@pytest.mark.parametrize("recipe", RECIPES)
def test_one_that_dies_between_send_and_ack_sends_again_under_the_same_key(shop, recipes, receiver, recipe):
    started: Future[int] = Future()
    receiver.upon = lambda number: os.kill(started.result(), signal.SIGKILL) if number == 1 else None
    command = recipes.command(recipe, *WAYS)

    process = recipes.start(*command)
    started.set_result(process.pid)
    process.communicate()
    sent = list(receiver.keys)
    meanwhile = recipes.run(*command)[0]
    untouched = list(receiver.keys)
    shop.update(tables.flow_entries, tables.flow_entries.c.flow == "reminder", leased_until=shop.ago(1))
    afterwards = recipes.run(*command)[0]

    assert (process.returncode, sent, meanwhile, untouched) == (KILLED, KEYS[:1], 0, KEYS[:1])
    assert (afterwards, receiver.keys) == (0, [KEYS[0], *KEYS])
    assert is_final(shop) == {1: True, 2: True}


@pytest.mark.parametrize("recipe", RECIPES)
def test_who_opts_out_between_entering_and_sending_is_not_sent_to(shop, node, recipes, receiver, recipe):
    shop.insert(tables.unsubscription_causes, {"cause": PERSON, "position": 0})
    opt_out = ["contactdb", "unsubscribe", "#2", "--channel", "email"]
    # Both have entered by then: the first is being sent to.
    receiver.upon = lambda _number: subprocess.run(
        opt_out, check=True, env=recipes.environment, stdout=subprocess.DEVNULL
    )

    code, _out, err = recipes.run(*recipes.command(recipe, *WAYS))

    assert (code, err, receiver.keys) == (0, "", KEYS[:1])
    assert is_final(shop) == {1: True, 2: False}
    assert node.reasons(*WAYS) == {1: Verdict.ENTERED, 2: Verdict.NOT_CONTACTABLE}


@pytest.mark.parametrize("recipe", RECIPES)
def test_who_buys_between_entering_and_sending_is_not_sent_to(shop, recipes, receiver, recipe):
    receiver.upon = lambda _number: shop.update(tables.checkouts, tables.checkouts.c.id == 12, completed_at=shop.now)

    code, _out, err = recipes.run(*recipes.command(recipe, *WAYS))

    assert (code, err, receiver.keys, is_final(shop)) == (0, "", KEYS[:1], {1: True, 2: False})


@pytest.mark.parametrize("recipe", RECIPES)
def test_who_is_erased_between_entering_and_sending_does_not_hold_up_the_others(shop, recipes, receiver, recipe):
    shop.contact(3)
    shop.checkout(13, 3, 110)
    erase = ["contactdb", "erase", "#2", "--yes"]
    receiver.upon = lambda number: (
        number == 1 and subprocess.run(erase, check=True, env=recipes.environment, stdout=subprocess.DEVNULL)
    )

    code, _out, err = recipes.run(*recipes.command(recipe, *WAYS))

    assert (code, receiver.keys) == (1, [KEYS[0], f"reminder/checkout:{SHOP}/13"])
    assert "no contact has this contact id: none ever had it, or it was erased" in err
    assert "not sent, for the reason above" in err
    assert is_final(shop) == {1: True, 3: True}


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize(("answer", "what"), [(200, "ack"), (500, "release")])
def test_who_is_erased_while_being_sent_to_does_not_hold_up_the_others(shop, recipes, receiver, recipe, answer, what):
    erase = ["contactdb", "erase", "#1", "--yes"]
    receiver.answers = [answer]
    receiver.upon = lambda number: (
        number == 1 and subprocess.run(erase, check=True, env=recipes.environment, stdout=subprocess.DEVNULL)
    )

    code, _out, err = recipes.run(*recipes.command(recipe, *WAYS))

    assert (code, receiver.keys) == (int(answer == 500), KEYS)
    assert f"no {what}, for the reason above" in err
    assert "example.com" not in err.replace(SHOP, "")
    assert is_final(shop) == {2: True}


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_could_not_be_sent_is_told_and_sent_by_the_next_call(shop, recipes, receiver, recipe):
    receiver.answers = [500]
    command = recipes.command(recipe, *WAYS)

    code, _out, err = recipes.run(*command)
    before = (code, list(receiver.keys), is_final(shop))
    again = recipes.run(*command)[0]

    assert before == (1, KEYS, {1: False, 2: True})
    assert "not sent" in err
    assert "example.com" not in err.replace(SHOP, "")
    assert (again, receiver.keys, is_final(shop)) == (0, [*KEYS, KEYS[0]], {1: True, 2: True})


@pytest.mark.parametrize("recipe", ["loop.sh", "consumer.py"])
def test_a_node_without_checkouts_and_another_channel_do_as_well(shop, recipes, receiver, recipe):
    shop.contact(3, email="unsubscribed", sms="subscribed")
    shop.operation("customers", 180)
    shop.operation("customers", 60, window_from=shop.ago(182), bookmark=shop.ago(62))
    shop.source(3, 59.5)

    code, _out, err = recipes.run(*recipes.command(recipe, "new-customer", "--flow", "welcome", "--channel", "any"))

    assert (code, err, receiver.keys) == (0, "", [f"welcome/customer:{SHOP}/3"])


@pytest.mark.parametrize("recipe", ["loop.sh", "consumer.py"])
def test_only_whom_a_condition_means_is_sent_to(shop, recipes, receiver, recipe):
    code, _out, err = recipes.run(*recipes.command(recipe, *WAYS, "--where", "first_name = 'Name 2'"))

    assert (code, err, receiver.keys) == (0, "", KEYS[1:])
    assert is_final(shop) == {2: True}


@pytest.mark.parametrize("recipe", ["consumer.py", "airflow_poll.py"])
@pytest.mark.parametrize("address", ["", "mail.example.com"])
def test_without_an_address_that_sends_nobody_is_taken(shop, recipes, receiver, recipe, address):
    code, _out, err = recipes.run(*recipes.command(recipe, *WAYS), MAIL_URL=address)

    assert code != 0
    assert err.endswith("set the environment variable MAIL_URL to the address that sends\n")
    assert (shop.rows(tables.flow_entries), receiver.keys) == ([], [])


def test_an_entry_whose_lease_is_over_is_neither_sent_nor_given_back(shop, recipes, receiver):
    shell = recipes.run(*recipes.command("loop.sh", *WAYS), CONTACTDB_LEASE="0m")
    script = f"import consumer; consumer.LEASE = '0m'; print(consumer.run({WAYS!r}, consumer.post))"
    python = recipes.run(sys.executable, "-c", script)

    assert (shell[0], shell[2].count("the lease was over before its turn came")) == (1, 2)
    assert (python[1], python[2].count("the lease was over before its turn came")) == (
        "Round(sent=0, declined=0, unsent=2)\n",
        2,
    )
    assert receiver.keys == []


@pytest.mark.parametrize("recipe", ["loop.sh", "consumer.py"])
def test_what_contactdb_refuses_is_told_and_nobody_enters(shop, recipes, recipe):
    code, _out, err = recipes.run(*recipes.command(recipe, "abandoned-checkout", "--flow", "reminder"))

    assert code != 0
    assert "Missing option '--after'" in err
    assert shop.rows(tables.flow_entries) == []


def test_the_loop_needs_a_command_to_send_by(shop, recipes):
    code, _out, err = recipes.run(str(FLOWS / "loop.sh"), *WAYS, "--")

    assert (code, err) == (2, "usage: loop.sh NODE OPTIONS... -- COMMAND...\n")
    assert shop.rows(tables.flow_entries) == []


def test_the_readme_tells_of_every_recipe_and_its_dag_is_python():
    readme = (FLOWS.parents[1] / "target-contactdb" / "README.md").read_text(encoding="utf-8")
    section = readme.split("\n### Recipes\n")[1].split("\n## ")[0]
    (dag,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)

    listed = re.findall(r"^\| `([\w.]+)` \|", section, re.MULTILINE)
    assert sorted(listed) == sorted(path.name for path in FLOWS.iterdir() if path.is_file())
    compile(dag, "dag", "exec")
