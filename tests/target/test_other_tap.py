"""Fed by another tap: singer-io's tap-shopify of PyPI, in its own environment, with the stream maps of the README."""

from __future__ import annotations

import io
import json
import subprocess
import typing as t
from pathlib import Path
from urllib.parse import urlsplit

from shopify_sandbox.process import Sandbox, running_sandbox
from target_contactdb.target import TargetContactDB
from tests.tap.test_other_targets import ROOT, programs_of
from tests.target.singer import query


def recipe() -> dict[str, t.Any]:
    """Return the settings that the README gives for this tap."""
    readme = (ROOT / "target-contactdb" / "README.md").read_text(encoding="utf-8")
    part = readme.split("<!-- tap-shopify -->\n```json\n")[1].split("```\n<!-- /tap-shopify -->")[0]
    settings: dict[str, t.Any] = json.loads(part)
    return settings


def messages_of(store: Sandbox, folder: Path) -> str:
    """Return what a real run of the tap writes, with all fields of a customer."""
    python = programs_of("tap-shopify") / "python"
    (path,) = python.parent.parent.glob("lib/*/site-packages/tap_shopify/schemas/customers.json")
    schema = json.loads(path.read_text())
    selected = {"inclusion": "available", "selected": True}
    fields = [{"breadcrumb": ["properties", name], "metadata": selected} for name in schema["properties"]]
    stream = {
        "stream": "customers",
        "tap_stream_id": "customers",
        "schema": schema,
        "key_properties": ["id"],
        "replication_key": "updatedAt",
        "replication_method": "INCREMENTAL",
        "metadata": [{"breadcrumb": [], "metadata": {"selected": True}}, *fields],
    }
    config = {"shop": "sandbox", "access_token": store.token, "start_date": "2025-10-01T00:00:00Z"}
    files = {"config": config, "catalog": {"streams": [stream]}}
    command: list[str | Path] = [
        python,
        ROOT / "benchmarks" / "tap_rows" / "singer_io_tap.py",
        str(urlsplit(store.url).port),
    ]
    for name, content in files.items():
        file = folder / f"{name}.json"
        file.write_text(json.dumps(content))
        command += [f"--{name}", file]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_the_recipe_of_the_readme_takes_its_customers_with_their_consent(migrated_sqlite_url, tmp_path):
    with running_sandbox(customers=30, checkouts=0, seed=7, now="2026-11-01T12:00:00Z") as store:
        customers = store.control("GET", "customers?limit=100")["customers"]
        messages = messages_of(store, tmp_path)
    target = TargetContactDB(config={"sqlalchemy_url": migrated_sqlite_url, **recipe()})
    target.listen(io.StringIO(messages))

    assert query(migrated_sqlite_url, "SELECT kind, state, records_read, inserted FROM operations") == [
        ("customers", "completed", 30, 30)
    ]
    found = query(
        migrated_sqlite_url,
        "SELECT customer_id, first_name, last_name, email, phone, orders_count, s.email_state, s.sms_state,"
        " s.email_consent_at IS NOT NULL, email_status FROM contact_sources s JOIN contacts USING (contact_id)",
    )
    assert sorted(found) == sorted(expected(one) for one in customers)


def expected(customer: dict[str, t.Any]) -> tuple[t.Any, ...]:
    """Return what a customer of the store's books is in the contact database."""
    by_email, by_sms = customer["email_consent"], customer["sms_consent"]
    state = by_email["state"] if customer["email"] else None
    status = "subscribed" if state == "SUBSCRIBED" else "unsubscribed"
    return (
        customer["id"],
        customer["first_name"],
        customer["last_name"],
        customer["email"],
        customer["phone"],
        customer["orders_count"],
        state,
        by_sms["state"] if customer["phone"] and by_sms else None,
        int(bool(by_email and by_email["at"])),
        status if customer["email"] else "none",
    )
