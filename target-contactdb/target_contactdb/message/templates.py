"""Templates: where they are found, and how they are filled without being able to do harm."""

from __future__ import annotations

import difflib
import tomllib
import typing as t
from pathlib import Path

import jinja2
import jinja2.sandbox
import mrml

from target_contactdb.errors import ConfigError
from target_contactdb.message.locales import folders_of

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from babel import Locale

BUILT_IN: t.Final = Path(__file__).parent / "default"
WORDS: t.Final = "words.toml"
HTML: t.Final = "message.mjml"
TEXT: t.Final = "message.txt"


class Templates:
    """The templates of one locale: a user's own where there are some, the built-in ones otherwise."""

    def __init__(self, locale: Locale, own: Path | None = None) -> None:
        """Find the templates.

        Args:
            locale: What the message is written in.
            own: The user's folder: `words.toml`, `message.mjml` and `message.txt`, or some of them, either directly in
                it or in folders named after a locale or a language.

        Raises:
            ConfigError: The folder does not exist.
        """
        if own is not None and not own.is_dir():
            raise ConfigError(["the folder of templates does not exist"])
        roots = [own, BUILT_IN] if own is not None else [BUILT_IN]
        self._folders = [root / name for root in roots for name in folders_of(locale) if (root / name).is_dir()]
        loader = jinja2.FileSystemLoader([str(folder) for folder in self._folders])
        # The user's templates are trusted with the contact's data, and with nothing else of this machine.
        self._plain = jinja2.sandbox.SandboxedEnvironment(
            loader=loader, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        self._escaping = self._plain.overlay(autoescape=True)

    def words(self, values: Mapping[str, t.Any]) -> dict[str, str]:
        """Return the sentences of the message by name, filled.

        Raises:
            ConfigError: A file of words cannot be read or filled.
        """
        sentences: dict[str, str] = {}
        for folder in reversed(self._folders):
            path = folder / WORDS
            if path.is_file():
                sentences |= _read_words(path)
        return {
            name: " ".join(self._fill(self._plain.from_string, sentence, f"{WORDS}, `{name}`", values).split())
            for name, sentence in sentences.items()
        }

    def html(self, values: Mapping[str, t.Any]) -> str:
        """Return the message as a HTML document.

        Raises:
            ConfigError: The template cannot be filled, or is not MJML.
        """
        filled = self._fill(self._escaping.get_template, HTML, HTML, values)
        try:
            rendered = mrml.to_html(filled)
        except (OSError, ValueError) as error:
            raise ConfigError([f"template `{HTML}` is not MJML: {error}"]) from None
        return str(rendered.content)

    def text(self, values: Mapping[str, t.Any]) -> str:
        """Return the message as plain text.

        Raises:
            ConfigError: The template cannot be filled.
        """
        return self._fill(self._plain.get_template, TEXT, TEXT, values).strip() + "\n"

    def _fill(
        self, find: t.Callable[[str], jinja2.Template], source: str, place: str, values: Mapping[str, t.Any]
    ) -> str:
        try:
            return find(source).render(values)
        except jinja2.TemplateSyntaxError as error:
            raise ConfigError([f"template `{place}`, line {error.lineno}: {error.message}"]) from None
        except jinja2.UndefinedError as error:
            raise ConfigError([f"template `{place}`: {_nearest(str(error), values)}"]) from None
        except jinja2.exceptions.SecurityError as error:
            raise ConfigError([f"template `{place}` asks for what templates may not use: {error}"]) from None
        except jinja2.TemplateError as error:
            raise ConfigError([f"template `{place}`: {error.message}"]) from None
        except (TypeError, ValueError, ArithmeticError, LookupError) as error:
            # The text of the error may hold a value of the contact.
            raise ConfigError([f"template `{place}` fails with {type(error).__name__}"]) from None


def _read_words(path: Path) -> dict[str, str]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError([f"template `{path.parent.name}/{WORDS}` is not TOML: {error}"]) from None
    wrong = [name for name, value in found.items() if not isinstance(value, str)]
    if wrong:
        raise ConfigError([f"template `{path.parent.name}/{WORDS}`: `{name}` is a text" for name in wrong])
    return found


def _nearest(problem: str, values: Mapping[str, t.Any]) -> str:
    """Return a problem with a name, and the name that is nearest to it."""
    quoted = problem.split("'")
    close = difflib.get_close_matches(quoted[-2], values, n=1) if len(quoted) > 2 else []
    return f"{problem}; did you mean `{close[0]}`?" if close else problem
