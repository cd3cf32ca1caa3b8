"""The file that `--config` names."""

from __future__ import annotations

import json
import typing as t
from decimal import Decimal
from pathlib import Path

from target_contactdb.errors import ConfigError


def read_config_file(path: str) -> dict[str, t.Any]:
    """Return the settings in a file, unchecked.

    Raises:
        ConfigError: It cannot be read, or holds no JSON object. The text names the file, and no value in it.
    """
    try:
        config = json.loads(Path(path).read_bytes(), parse_float=Decimal)
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    except json.JSONDecodeError as error:
        problem = f"is not JSON: {error.msg}, line {error.lineno}, column {error.colno}"
    except UnicodeDecodeError:
        problem = "is not JSON: it is not text in UTF-8"
    else:
        if isinstance(config, dict):
            return config
        problem = 'is no JSON object, such as {"sqlalchemy_url": "sqlite:///contacts.db"}'
    raise ConfigError([f"option --config: the file {path} {problem}"])
