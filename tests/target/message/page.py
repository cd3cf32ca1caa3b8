"""What a reader of a message sees."""

from __future__ import annotations

from html.parser import HTMLParser

from typing_extensions import override


class Page(HTMLParser):
    """What a reader of a HTML document sees: its words, links and pictures."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str | None] = []
        self.pictures: list[tuple[str | None, str | None]] = []
        self.tags: set[str] = set()
        self._hidden = 0
        self.feed(html)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.add(tag)
        self._hidden += tag in {"style", "title"}
        if tag == "a":
            self.links.append(found["href"])
        if tag == "img":
            self.pictures.append((found["src"], found["alt"]))

    @override
    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in {"style", "title"}

    @override
    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.words.append(" ".join(data.split()))
