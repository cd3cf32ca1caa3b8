"""Whole `meltano run`s beside each other: the same customers from the sandbox store into the same PostgreSQL.

`python -m benchmarks.pipeline` writes `output/bench/pipeline.md`: this project's tap into its target, and singer-io's
tap-shopify into MeltanoLabs' target-postgres at its fastest. Both are run by this project's Meltano.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import stat
import sys
import typing as t
from functools import partial
from urllib.parse import urlsplit

import sqlalchemy as sa

from benchmarks import tap, target
from benchmarks.common import FOLDER, ROOT, Result, check_alike, environment, interleave, measure, report

if t.TYPE_CHECKING:
    from pathlib import Path

    from shopify_sandbox.process import Sandbox

WORK = FOLDER / "work" / "pipeline"
MELTANO = ROOT / ".venv-meltano" / "bin" / "meltano"


def main(arguments: list[str] | None = None) -> str:
    """Measure, and return the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline", description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000, help="how many customers the store has")
    parser.add_argument("--rounds", type=int, default=3, help="how often each row is run, beside once to warm up")
    parser.add_argument("--no-warm-up", action="store_true", help="leave out the first round, which does not count")
    given = parser.parse_args(arguments)
    for folder in (tap.WORK, target.WORK, WORK):
        folder.mkdir(parents=True, exist_ok=True)
    with tap.fast_store(given.customers) as store, target.running_postgres() as server:
        rows = {
            "tap-shopify-contacts, target-contactdb": partial(run_ours, store, server),
            "tap-shopify, target-postgres": partial(run_peers, store, server),
        }
        found = interleave(rows, given.rounds, warm_up=not given.no_warm_up)
    check_alike(found)
    return report("pipeline", f"meltano run: {given.customers:,} customers", found)


def run_ours(store: Sandbox, server: sa.URL) -> Result:
    """Run this project's tap into its target, with all fields of a customer and all consent rules."""
    url = target.fresh_database(server, "ours")
    extractor = {
        "executable": _program("tap", [sys.executable, "-m", "tap_shopify_contacts"]),
        "config": tap.our_config(store, "auto"),
        "catalog": _json("our-catalog", tap.our_catalog()),
    }
    loader = {
        "executable": _program("target", [sys.executable, "-m", "target_contactdb"]),
        "config": {"sqlalchemy_url": url.render_as_string(hide_password=False)},
    }
    # Whom Shopify has erased becomes no contact.
    return _carried(extractor, loader, url, "SELECT inserted + suppressed FROM operations WHERE kind = 'customers'")


def run_peers(store: Sandbox, server: sa.URL) -> Result:
    """Run singer-io's tap into MeltanoLabs' target at its fastest, with all fields that the tap has."""
    url = target.fresh_database(server, "peers")
    python = environment("tap-shopify", [tap.PEER]) / "python"
    wrapper = [python, tap.HERE / "tap_rows" / "singer_io_tap.py", str(urlsplit(store.url).port)]
    extractor = {
        "executable": _program("tap", wrapper),
        "config": tap.singer_io_config(store),
        "catalog": _json("singer-io-catalog", tap.singer_io_catalog(python)),
    }
    loader = {
        "executable": str(environment("meltanolabs", [target.MELTANOLABS]) / "target-postgres"),
        "config": target.meltanolabs_config(url),
    }
    return _carried(extractor, loader, url, "SELECT count(*) FROM customers")


def _carried(extractor: dict[str, t.Any], loader: dict[str, t.Any], url: sa.URL, counting: str) -> Result:
    """Run one pipeline in a Meltano project of its own, and count what has arrived."""
    project = WORK / "project"
    shutil.rmtree(project, ignore_errors=True)
    project.mkdir()
    # No settings are declared: Meltano passes on what `config` says, as it stands.
    plugins = {
        "extractors": [{"name": "tap-bench", "namespace": "tap_bench", "capabilities": ["catalog"], **extractor}],
        "loaders": [{"name": "target-bench", "namespace": "target_bench", **loader}],
    }
    settings = {"default_environment": "bench", "environments": [{"name": "bench"}], "plugins": plugins}
    # JSON is YAML as well.
    (project / "meltano.yml").write_text(json.dumps(settings))
    env = {name: value for name, value in os.environ.items() if not name.startswith("MELTANO_")}
    env |= {"XDG_STATE_HOME": str(project), "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false"}
    usage = measure([MELTANO, "--cwd", project, "run", "tap-bench", "target-bench"], env=env)
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        count = connection.execute(sa.text(counting)).scalar_one()
    engine.dispose()
    return Result(usage, count)


def _program(name: str, command: list[t.Any]) -> str:
    """Return a script that runs a command: Meltano knows programs by one path."""
    script = WORK / name
    words = " ".join(f"'{word}'" for word in command)
    script.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return str(script)


def _json(name: str, content: object) -> str:
    path: Path = WORK / f"{name}.json"
    path.write_text(json.dumps(content))
    return str(path)


if __name__ == "__main__":
    print(main())  # noqa: T201
