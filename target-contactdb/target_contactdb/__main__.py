"""Run the target: `python -m target_contactdb`."""

from __future__ import annotations

from target_contactdb.target import TargetContactDB

if __name__ == "__main__":
    TargetContactDB.cli()
