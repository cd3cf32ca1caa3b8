"""Lets `python -m shopify_sandbox` do what the console script does."""

from __future__ import annotations

from shopify_sandbox.cli import main

if __name__ == "__main__":
    main()
