"""Real targets of others, from PyPI and each in its own environment, hold what the shop holds, and complain of nothing.

An environment is made from its pins below `constraints/` and kept below `output/`, for as long as the pins stay.
"""

import json
import shutil
import subprocess
import sys
import typing as t
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from tap_shopify_contacts.checkout_fields import CHECKOUT_FIELDS
from tap_shopify_contacts.customer_fields import CUSTOMER_FIELDS
from tap_shopify_contacts.fields import Kind
from tests.tap.helpers import Output, config_of, open_shop

ROOT = Path(__file__).parents[2]
FIELDS = {"customers": CUSTOMER_FIELDS, "abandoned_checkouts": CHECKOUT_FIELDS}

Record = dict[str, t.Any]


def programs_of(name: str) -> Path:
    """Return the folder of programs of the environment with these pins."""
    pins = ROOT / "constraints" / f"{name}.txt"
    folder = ROOT / "output" / "other-targets" / name
    stamp = folder / "pins.txt"
    if not stamp.exists() or stamp.read_text() != pins.read_text():
        uv = Path(sys.executable).parent / "uv"
        python = folder / "bin" / "python"
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder], check=True)
        subprocess.run([uv, "pip", "sync", "--quiet", "--python", python, pins], check=True)
        shutil.copy(pins, stamp)
    return folder / "bin"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one real run of our tap wrote, without a warning."""
    folder = tmp_path_factory.mktemp("tap")
    config, output = folder / "config.json", folder / "messages.jsonl"
    with open_shop(customers=40, checkouts=12, bucket=1_000_000) as sandbox:
        config.write_text(json.dumps(config_of(sandbox)))
        run([sys.executable, "-m", "tap_shopify_contacts", "--config", config], Path("/dev/null"), output)
    return output


def run(command: list[t.Any], source: Path, sink: Path) -> None:
    """Run a tap or a target, and check that it ends well and warns of nothing."""
    with source.open("rb") as stdin, sink.open("wb") as stdout:
        done = subprocess.run(command, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert [line for line in done.stderr.splitlines() if "warn" in line.lower() or "error" in line.lower()] == []


def emitted(told: Path, stream: str, change: t.Callable[[Kind, t.Any], t.Any]) -> dict[int, Record]:
    """Return what the tap wrote, each value as a target holds its kind, by id."""
    kinds = {field.name: field.kind for field in FIELDS[stream]}
    return {
        record["id"]: {name: None if value is None else change(kinds[name], value) for name, value in record.items()}
        for record in Output(told.read_bytes().splitlines()).records(stream)
    }


def by_id(rows: t.Iterable[Record]) -> dict[int, Record]:
    """Return rows without the target's own columns, by id."""
    own = [{name: value for name, value in row.items() if not name.startswith("_sdc_")} for row in rows]
    return {row["id"]: row for row in own}


def plain(value: t.Any) -> t.Any:
    """Return a nested value with its fractions as a reader of JSON has them that knows no decimals."""
    return json.loads(json.dumps(value, default=float)) if isinstance(value, (dict, list)) else value


def types_of(stream: str, types: dict[str, str]) -> dict[str, str]:
    """Return the type that each column has to have, from those of the JSON types and formats."""
    found = {}
    for field in FIELDS[stream]:
        schema = field.kind.schema
        found[field.name] = types[schema.get("format") or schema["type"]]
    return found


def test_target_jsonl(told, tmp_path):
    settings = tmp_path / "target.json"
    settings.write_text(json.dumps({"destination_path": str(tmp_path), "do_timestamp_file": False}))
    run([programs_of("target-jsonl") / "target-jsonl", "--config", settings], told, tmp_path / "state.json")
    for stream in FIELDS:
        lines = (tmp_path / f"{stream}.jsonl").read_text().splitlines()
        stored = by_id(json.loads(line, parse_float=Decimal) for line in lines)
        assert stored == emitted(told, stream, lambda kind, value: value)


IN_POSTGRES = {
    "string": "text",
    "date-time": "timestamp without time zone",
    "integer": "bigint",
    "number": "numeric",
    "boolean": "boolean",
    "array": "ARRAY",
    "object": "jsonb",
}


def test_target_postgres(told, tmp_path, postgres_url):
    settings = tmp_path / "target.json"
    settings.write_text(json.dumps({"sqlalchemy_url": postgres_url, "default_target_schema": "shop"}))
    run([programs_of("target-postgres") / "target-postgres", "--config", settings], told, tmp_path / "state.json")

    def change(kind: Kind, value: t.Any) -> t.Any:
        if kind.schema.get("format") == "date-time":
            return datetime.fromisoformat(value).replace(tzinfo=None)
        return plain(value)

    engine = sa.create_engine(postgres_url)
    with engine.connect() as connection:
        for stream in FIELDS:
            rows = connection.execute(sa.text(f"SELECT * FROM shop.{stream}")).mappings().all()
            stored = by_id({name: plain(value) for name, value in row.items()} for row in rows)
            assert stored == emitted(told, stream, change)
            question = "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = :name"
            types = {row[0]: row[1] for row in connection.execute(sa.text(question), {"name": stream})}
            expected = types_of(stream, IN_POSTGRES)
            assert {name: kind for name, kind in types.items() if not name.startswith("_sdc_")} == expected
    engine.dispose()


IN_DUCKDB = {
    "string": "VARCHAR",
    "date-time": "TIMESTAMP",
    "integer": "HUGEINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "array": "JSON",
    "object": "JSON",
}

# Runs in the target's environment, which alone has the database's library.
READ_DUCKDB = """
import duckdb, json, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
types = {row[0]: row[1] for row in connection.execute(f"DESCRIBE {sys.argv[2]}").fetchall()}
rows = [dict(zip(types, row)) for row in connection.execute(f"SELECT * FROM {sys.argv[2]}").fetchall()]
print(json.dumps([types, rows], default=lambda value: value.isoformat()))
"""


def test_target_duckdb(told, tmp_path):
    settings, database = tmp_path / "target.json", tmp_path / "shop.duckdb"
    settings.write_text(json.dumps({"path": str(database), "default_target_schema": "main"}))
    programs = programs_of("target-duckdb")
    run([programs / "target-duckdb", "--config", settings], told, tmp_path / "state.json")

    def change(kind: Kind, value: t.Any) -> t.Any:
        if kind.schema.get("format") == "date-time":
            return value.removesuffix("Z")
        if isinstance(value, Decimal):
            return float(value)
        # An empty text becomes null on the way.
        return plain(value) if value != "" else None

    for stream in FIELDS:
        read = [programs / "python", "-c", READ_DUCKDB, database, stream]
        types, rows = json.loads(subprocess.run(read, check=True, capture_output=True).stdout)
        nested = {field.name for field in FIELDS[stream] if field.kind.schema["type"] in {"array", "object"}}
        for row in rows:
            row.update({name: json.loads(row[name]) for name in nested if row[name] is not None})
        assert by_id(rows) == emitted(told, stream, change)
        assert types == types_of(stream, IN_DUCKDB)
