"""Memory stays flat, however large the result of a bulk operation is."""

import json
import subprocess
import sys
from pathlib import Path

from tests.tap.helpers import config_of, make_catalog, open_shop

# What getrusage tells would begin with the memory of the process that started this one.
PEAK = """
import pathlib, re

def peak():
    return int(re.search("VmHWM:[^0-9]*([0-9]+) kB", pathlib.Path("/proc/self/status").read_text())[1])
"""
TAP = f"""{PEAK}
import sys
from tap_shopify_contacts.tap import TapShopifyContacts

try:
    TapShopifyContacts.cli()
finally:
    print(peak(), file=sys.stderr)
"""
CARTS_FIRST = f"""{PEAK}
import json
from tap_shopify_contacts.bulk_lines import Tally, joined_lines, whole_lines

def result():
    note = "x" * 900
    for number in range(8_000):
        yield json.dumps({{"id": f"c{{number}}", "note": note}}).encode() + b"\\n"
    for place in range(3):
        for number in range(8_000):
            line = {{"id": f"l{{number}}-{{place}}", "title": note, "__parentId": f"c{{number}}"}}
            yield json.dumps(line).encode() + b"\\n"

before = peak()
tally = Tally()
size = sum(map(len, joined_lines(whole_lines(result()), tally)))
print(size // 1024, peak() - before, tally.objects)
"""


def peak_of(customers: int, folder: Path) -> tuple[int, int]:
    """Return how many records a run by bulk wrote, and the most memory that it had, in KiB."""
    catalog, settings = folder / "catalog.json", folder / "config.json"
    with open_shop(customers=customers, checkouts=0, bucket=1_000_000) as sandbox:
        config = config_of(sandbox, extraction="bulk")
        catalog.write_text(json.dumps(make_catalog(config, "customers", (), {})))
        settings.write_text(json.dumps(config))
        command = [sys.executable, "-c", TAP, "--config", str(settings), "--catalog", str(catalog)]
        done = subprocess.run(command, capture_output=True, check=True)
    return done.stdout.count(b'{"type":"RECORD"'), int(done.stderr.splitlines()[-1])


def test_ten_times_the_customers_take_the_same_memory(tmp_path):
    few, little = peak_of(1_500, tmp_path)
    many, much = peak_of(15_000, tmp_path)
    assert (few, many) == (1_500, 15_000)
    # The larger result has 14 MB more.
    assert much - little < 4_000


def test_memory_does_not_grow_with_a_result_whose_lines_are_all_at_its_end():
    # 30 MB: what is kept is the cache of a few megabytes.
    done = subprocess.run([sys.executable, "-c", CARTS_FIRST], check=True, capture_output=True, text=True)
    size, grown, objects = map(int, done.stdout.split())
    assert objects == 32_000
    assert size > 27_000
    assert grown < 24_000
