"""Templates: how they are filled without being able to do harm."""

from __future__ import annotations

import re
import tomllib
import typing as t
from collections import Counter

import jinja2
import jinja2.sandbox
import mrml

from target_contactdb.conditions.words import nearest
from target_contactdb.errors import ConfigError
from target_contactdb.message.folders import BUILT_IN, HTML, TEXT, WORDS, folders_of
from target_contactdb.message.plain import one_line, without_controls

if t.TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from babel import Locale

    from target_contactdb.message.folders import Folder
    from target_contactdb.message.locales import Tongue


class Templates:
    """The templates of one locale: a user's own where there are some, the built-in ones otherwise.

    Attributes:
        locale: What most of the words that were found are written in.
    """

    def __init__(self, tongue: Tongue, own: Path | None, own_locale: Locale) -> None:
        """Find the templates.

        Args:
            tongue: What the message is to be written in.
            own: The user's folder: `words.toml`, `message.mjml` and `message.txt`, or some of them, either directly in
                it or in folders named after a locale or a language; None = there is none.
            own_locale: What the words directly in it are written in.

        Raises:
            ConfigError: A file of words is wrong.
        """
        folders = folders_of(tongue, own, own_locale)
        self._own = own
        self._sentences, self.locale = self._read(folders)
        loader = jinja2.FileSystemLoader([str(folder.path) for folder in folders])
        # The user's templates are trusted with the contact's data, and with nothing else of this machine.
        self._plain = jinja2.sandbox.SandboxedEnvironment(
            loader=loader,
            undefined=jinja2.StrictUndefined,
            # A value that a cart lacks is nothing, and not the word None.
            finalize=lambda value: "" if value is None else value,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._escaping = self._plain.overlay(autoescape=True)

    def words(self, values: Mapping[str, t.Any]) -> dict[str, str]:
        """Return the sentences of the message by name, filled.

        Raises:
            ConfigError: One cannot be filled, or the subject is empty.
        """
        filled = {
            name: one_line(self._fill(self._plain.from_string, sentence, f"{WORDS}`, `{name}", values))
            for name, sentence in self._sentences.items()
        }
        if not filled["subject"]:
            raise ConfigError([f"template `{WORDS}`: `subject` is empty"])
        return filled

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

    def _read(self, folders: list[Folder]) -> tuple[dict[str, str], Locale]:
        """Return the sentences, the closest folder's first, and the locale of most of them."""
        known = _read_words(BUILT_IN / WORDS)
        sentences: dict[str, str] = {}
        written_in: dict[str, Locale] = {}
        for folder in reversed(folders):
            path = folder.path / WORDS
            if path.is_file():
                found = _read_words(path)
                self._refuse_unused(path, [name for name in found if name not in known], [*known])
                sentences |= found
                written_in |= dict.fromkeys(found, folder.locale)
        return sentences, Counter(written_in.values()).most_common(1)[0][0]

    def _refuse_unused(self, path: Path, names: list[str], known: list[str]) -> None:
        """Refuse words that no template asks for: a misspelt name would leave the built-in words in place."""
        if not names or self._own is None:
            return
        templates = [file.read_text(encoding="utf-8", errors="replace") for file in self._own.rglob("message.*")]
        unused = [name for name in names if not any(re.search(rf"\b{re.escape(name)}\b", text) for text in templates)]
        if unused:
            place = f"template `{path.relative_to(self._own)}`"
            raise ConfigError([f"{place}: there is no word `{name}`{nearest(name, known)}" for name in unused])

    def _fill(
        self, find: t.Callable[[str], jinja2.Template], source: str, place: str, values: Mapping[str, t.Any]
    ) -> str:
        try:
            return without_controls(find(source).render(values))
        except jinja2.TemplateSyntaxError as error:
            raise ConfigError([f"template `{place}`, line {error.lineno}: {error.message}"]) from None
        except jinja2.TemplateNotFound as error:
            raise ConfigError([f"template `{place}`: there is no file `{error.name}` among the templates"]) from None
        except jinja2.UndefinedError as error:
            raise ConfigError([f"template `{place}`: {_with_nearest(str(error), values)}"]) from None
        except jinja2.exceptions.SecurityError as error:
            raise ConfigError([f"template `{place}` asks for what templates may not use: {error}"]) from None
        except jinja2.TemplateError as error:
            raise ConfigError([f"template `{place}`: {error.message}"]) from None
        except RecursionError:
            raise ConfigError([f"template `{place}` includes or calls itself without end"]) from None
        except (TypeError, ValueError, ArithmeticError, LookupError, MemoryError) as error:
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


def _with_nearest(problem: str, values: Mapping[str, t.Any]) -> str:
    """Return a problem with a name, and the name that is nearest to it."""
    quoted = problem.split("'")
    return problem + (nearest(quoted[-2], values) if len(quoted) > 2 else "")
