"""Eight runners at once: every checkout is delivered, and to one of them only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter

from tests.target.node.shop import Shop

RUNNERS = 8
CHECKOUTS = 10_000
# Each runner takes until nothing is left, in a process of its own, as a worker of a flow engine does.
RUNNER = """
import sys
from click.testing import CliRunner
from target_contactdb.admin.cli import main
while True:
    arguments = ["node", "abandoned-checkout", "--flow", "reminder", "--after", "60", "--limit", "500"]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    if result.exit_code:
        sys.exit(result.stderr)
    if not result.stdout:
        break
    sys.stdout.write(result.stdout)
"""


def test_two_runners_never_both_get_one(database_url):
    shop = Shop(database_url)
    numbers = range(1, CHECKOUTS + 1)
    shop.contacts(numbers)
    shop.checkouts([(number, number) for number in numbers], 120)
    shop.read_checkouts(10)
    shop.close()
    environment = {**os.environ, "TARGET_CONTACTDB_SQLALCHEMY_URL": database_url}

    runners = [
        subprocess.Popen([sys.executable, "-c", RUNNER], stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(RUNNERS)
    ]
    delivered = [
        json.loads(line)["checkout"]["id"] for runner in runners for line in runner.communicate()[0].splitlines()
    ]

    assert [runner.returncode for runner in runners] == [0] * RUNNERS
    assert Counter(delivered) == Counter(numbers)
