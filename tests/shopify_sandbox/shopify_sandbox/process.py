"""Starts the sandbox as a process of its own, for tests and demonstrations, and stops it again."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import typing as t
import urllib.error
import urllib.request
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from collections.abc import Iterator

_STOP_SECONDS = 10.0


class ControlError(RuntimeError):
    """The control path refused a request; the message is its answer."""


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox."""

    url: str
    shop: str
    token: str
    pid: int

    def control(self, method: str, path: str, body: t.Any = None) -> t.Any:
        """Ask the control path, for example `control("POST", "tick", {"seconds": 3600})`.

        Raises:
            ControlError: The answer is an error.
        """
        return self._send(method, f"/sandbox/{path.removeprefix('/')}", body)

    def graphql(self, query: str, variables: dict[str, t.Any] | None = None, version: str = "2026-10") -> t.Any:
        """Ask the Admin API; the body of the answer.

        Raises:
            ControlError: The HTTP status is an error.
        """
        return self._send("POST", f"/admin/api/{version}/graphql.json", {"query": query, "variables": variables or {}})

    def _send(self, method: str, path: str, body: t.Any) -> t.Any:
        headers = {"Content-Type": "application/json", "X-Shopify-Access-Token": self.token}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request) as response:  # noqa: S310
                return json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                message = f"{method} {path}: {error.code} {error.read().decode(errors='replace')}"
            raise ControlError(message) from error


@contextlib.contextmanager
def running_sandbox(**options: t.Any) -> Iterator[Sandbox]:
    """Run `shopify-sandbox serve` while the block runs.

    Options are those of the command, with underscores: `running_sandbox(customers=50, now="2026-11-01T12:00:00Z")`.

    Raises:
        RuntimeError: The process ended before it was ready.
    """
    command = [sys.executable, "-m", "shopify_sandbox", "serve"]
    for name, value in options.items():
        option = f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            command += [option] if value else []
        else:
            command += [option, ",".join(value) if isinstance(value, (list, tuple)) else str(value)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = t.cast("t.IO[str]", process.stdout).readline()
            if not line:
                message = f"the sandbox did not start, exit code {process.wait()}"
                raise RuntimeError(message)
            yield Sandbox(**json.loads(line))
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
