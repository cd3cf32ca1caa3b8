"""Where templates are: a user's own folder before the built-in one, and in each the closest locale first."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from target_contactdb.message.locales import ENGLISH, folded, folded_names_of, known_locale

if t.TYPE_CHECKING:
    from babel import Locale

    from target_contactdb.message.locales import Tongue

BUILT_IN: t.Final = Path(__file__).parent / "default"
WORDS: t.Final = "words.toml"
HTML: t.Final = "message.mjml"
TEXT: t.Final = "message.txt"
FILES: t.Final = (WORDS, HTML, TEXT)


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that templates are looked for in.

    Attributes:
        path: The folder.
        locale: What its words are written in.
    """

    path: Path
    locale: Locale


def folders_of(tongue: Tongue, own: Path | None, own_locale: Locale) -> list[Folder]:
    """Return the folders to look in, the first first.

    Args:
        tongue: What the message is to be written in.
        own: The user's folder; None = there is none.
        own_locale: What the files directly in it are written in.
    """
    found = []
    for root, locale in ((own, own_locale), (BUILT_IN, ENGLISH.locale)):
        if root is None:
            continue
        named = {folded(path.name): path for path in _folders_in(root)}
        for name in folded_names_of(tongue):
            if name in named:
                found.append(Folder(named[name], known_locale(name) or locale))
        found.append(Folder(root, locale))
    return found


def problems_of(own: Path) -> list[str]:
    """Return what is wrong with a user's folder of templates, each as what follows the name of the setting."""
    if not own.is_dir():
        return ["the folder of templates does not exist"]
    problems, seen = [], dict[str, str]()
    holding = [path for path in _folders_in(own) if _holds_templates(path)]
    for path in holding:
        if known_locale(path.name) is None:
            problems.append(f"the folder `{path.name}` holds templates, but its name is no locale such as `pt-BR`")
        elif folded(path.name) in seen:
            problems.append(f"the folders `{seen[folded(path.name)]}` and `{path.name}` are of one locale")
        seen.setdefault(folded(path.name), path.name)
    if not holding and not _holds_templates(own):
        names = ", ".join(f"`{name}`" for name in FILES)
        problems.append(f"none of {names} is in the folder, nor in a folder in it that is named after a locale")
    return problems


def _folders_in(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir())


def _holds_templates(folder: Path) -> bool:
    return any((folder / name).is_file() for name in FILES)
