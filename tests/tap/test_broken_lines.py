"""Whoever reads the tap gets whole messages only, also when the tap is told to stop in the middle of a page."""

import json
import os
import signal
import subprocess
import sys
import typing as t

from tests.tap.helpers import config_of

_PIPE = 4096


def test_a_stop_in_the_middle_of_a_page_breaks_no_line(stocked, tmp_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps(config_of(stocked, extraction="pages", edition="basic")))
    command = [sys.executable, "-m", "tap_shopify_contacts", "--config", config]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, pipesize=_PIPE) as tap:
        output = t.cast("t.IO[bytes]", tap.stdout)
        told = b""
        while b'{"type":"RECORD"' not in told and (part := os.read(output.fileno(), _PIPE)):
            told += part
        # A page is larger than the pipe: most of the first one is still being written, and its next part ends anywhere.
        tap.send_signal(signal.SIGTERM)
        while part := os.read(output.fileno(), _PIPE):
            told += part
    lines = told.splitlines(keepends=True)
    records = [line for line in lines if line.startswith(b'{"type":"RECORD"')]
    assert tap.returncode == 128 + signal.SIGTERM
    assert [line for line in lines if not line.endswith(b"\n")] == []
    assert _PIPE < len(b"".join(records)) < 500_000
    assert {json.loads(line)["type"] for line in lines} == {"SCHEMA", "STATE", "RECORD"}
