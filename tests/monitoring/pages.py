"""What a browser makes of a page."""

from html.parser import HTMLParser

from typing_extensions import override

Shape = list[tuple[str, tuple[str, ...]]]


class Seen(HTMLParser):
    """A page, read as a browser reads it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.code: dict[str, list[str]] = {"script": [], "style": []}
        self._in = ""
        self.feed(page)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in = tag if tag in self.code else ""
        if self._in:
            self.code[tag].append("")

    @override
    def handle_endtag(self, tag: str) -> None:
        self._in = ""

    @override
    def handle_data(self, data: str) -> None:
        if self._in:
            self.code[self._in][-1] += data

    @property
    def shape(self) -> Shape:
        """The elements and their attributes, without the choices of a list."""
        return [(tag, tuple(sorted(names))) for tag, names in self.tags if tag != "option"]
