"""The settings that a command line names: the file of `--config`, and what the environment holds beside it."""

from __future__ import annotations

import json
import typing as t
from decimal import Decimal
from pathlib import Path

from target_contactdb.errors import ConfigError

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PREFIX: t.Final = "TARGET_CONTACTDB_"


def refuse_unread(config: Mapping[str, t.Any], names: Iterable[str], environment: Mapping[str, str]) -> None:
    """Refuse to run where the environment holds settings that are not read, and the file says nothing of them.

    A `dry_run` or a database that is passed over in silence would end in a real import, or in another database.

    Args:
        config: What the files of `--config` say; the environment was not among them.
        names: The settings.
        environment: The variables.

    Raises:
        ConfigError: There are such variables.
    """
    unread = [f"{_PREFIX}{name.upper()}" for name in names if name not in config]
    unread = [variable for variable in unread if environment.get(variable)]
    if unread:
        listed = ", ".join(f"`{variable}`" for variable in unread)
        raise ConfigError([f"the environment sets {listed}, and is not read: add `--config ENV`, or unset it"])


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
    except (ValueError, RecursionError):
        problem = "is JSON that cannot be read: a number has too many digits, or lists and objects too many levels"
    else:
        if isinstance(config, dict):
            return config
        problem = 'is no JSON object, such as {"sqlalchemy_url": "sqlite:///contacts.db"}'
    raise ConfigError([f"option --config: the file {path} {problem}"])
