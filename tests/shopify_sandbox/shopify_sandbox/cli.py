"""The command `shopify-sandbox serve`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading

from shopify_sandbox.clock import parse_time
from shopify_sandbox.server import DEFAULT_SCOPES, Options, build_shop, serving


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        message = f"{text} is less than 0"
        raise argparse.ArgumentTypeError(message)
    return number


def _time(text: str) -> int:
    try:
        return parse_time(text)
    except ValueError as error:
        message = f"{text!r} is not an ISO 8601 time"
        raise argparse.ArgumentTypeError(message) from error


def build_parser() -> argparse.ArgumentParser:
    """The command line with its defaults."""
    parser = argparse.ArgumentParser(prog="shopify-sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser(
        "serve",
        help="serve one shop's Admin API until SIGTERM or SIGINT",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    usual = Options()
    serve.add_argument("--port", type=_count, default=usual.port, help="TCP port on 127.0.0.1; 0 takes a free one")
    serve.add_argument("--customers", type=_count, default=usual.customers, help="customers at the start")
    serve.add_argument("--checkouts", type=_count, default=usual.checkouts, help="abandoned checkouts at the start")
    serve.add_argument("--seed", type=int, default=usual.seed, help="decides who the people are and what they do")
    serve.add_argument("--shop", default=usual.shop, help="the shop's domain")
    serve.add_argument("--token", default=usual.token, help="the permanent access token that is accepted")
    serve.add_argument("--client-id", default=usual.client_id, help="the client id that tokens are issued for")
    serve.add_argument("--client-secret", default=usual.client_secret, help="the client secret that goes with it")
    serve.add_argument(
        "--token-lifetime", type=_count, default=usual.token_lifetime, help="seconds that an issued token is valid"
    )
    serve.add_argument(
        "--now", type=_time, default=None, help="the store's time at the start, ISO 8601; else real time"
    )
    serve.add_argument(
        "--restore-rate", type=_count, default=usual.restore_rate, help="cost points restored each second"
    )
    serve.add_argument("--bucket", type=_count, default=usual.bucket, help="cost points that the bucket holds")
    serve.add_argument("--scopes", default=",".join(DEFAULT_SCOPES), help="the app's access scopes, by comma")
    serve.add_argument(
        "--fast", action="store_true", help="encode customers once and serve their bytes, for benchmarks"
    )
    return parser


def main(arguments: list[str] | None = None) -> None:
    """Serve; prints one JSON line when connections are accepted and returns after SIGTERM or SIGINT."""
    given = vars(build_parser().parse_args(arguments))
    given.pop("command")
    given["scopes"] = tuple(scope.strip() for scope in given["scopes"].split(",") if scope.strip())
    options = Options(**given)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        with serving(build_shop(options), options.port) as url:
            ready = {"url": url, "shop": options.shop, "token": options.token, "pid": os.getpid()}
            print(json.dumps(ready), flush=True)  # noqa: T201 - the line is what the command promises
            stop.wait()
    except OSError as error:
        sys.exit(f"shopify-sandbox: cannot listen on port {options.port}: {error.strerror}")
