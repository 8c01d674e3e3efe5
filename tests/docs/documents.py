"""Reads the documents: their fenced blocks, links, headings and tables."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[2]

DOCUMENTS = (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md")))

_FENCE = re.compile(r"(?P<marks>`{3,}|~{3,})\s*(?P<language>\S*)")
_COMMENT = re.compile(r"<!--\s*(?P<name>[a-z ]+):\s*(?P<value>\S.*?)\s*-->")
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"#{1,6} (?P<text>.+)")
_CODE = re.compile(r"`[^`]*`")


@dataclass(frozen=True)
class Block:
    """A fenced block, and the comment right above it: `<!-- not run: reason -->` and the like.

    `<!-- run by: tests/... -->` names the test that does what it says, where a sandbox cannot.
    """

    place: str
    language: str
    text: str
    comment: str = ""
    value: str = ""

    @property
    def reason(self) -> str:
        """Why it is not run; empty if it is."""
        return self.value if self.comment == "not run" else ""

    @property
    def test(self) -> str:
        """The file of the test that runs it; empty if the sandbox does, or nobody."""
        return self.value if self.comment == "run by" else ""


def blocks(text: str, name: str) -> Iterator[Block]:
    """The fenced blocks of a document, in its order.

    Args:
        text: The document.
        name: Its name, for `place`.
    """
    lines = text.splitlines()
    start = 0
    while start < len(lines):
        fence = _FENCE.fullmatch(lines[start].strip())
        if fence is None:
            start += 1
            continue
        end = lines.index(fence["marks"], start + 1)
        comment = _COMMENT.fullmatch(lines[start - 1].strip()) if start else None
        yield Block(
            place=f"{name}:{start + 1}",
            language=fence["language"],
            text="\n".join(lines[start + 1 : end]) + "\n",
            comment=comment["name"] if comment else "",
            value=comment["value"] if comment else "",
        )
        start = end + 1


def links(text: str) -> Sequence[str]:
    """The targets of a document's links, those in code left out."""
    return tuple(match["target"] for match in _LINK.finditer(_CODE.sub("", _prose(text))))


def anchors(text: str) -> Sequence[str]:
    """What a link may name after `#`: the headings, as GitHub writes them."""
    headings = (_HEADING.fullmatch(line) for line in _prose(text).splitlines())
    return tuple(_anchor(heading["text"]) for heading in headings if heading)


def tables(text: str) -> Iterator[Sequence[Sequence[str]]]:
    """The tables of a document: rows of cells, the heading first, the line below it left out."""
    rows: list[Sequence[str]] = []
    for line, following in pairwise([*_prose(text).splitlines(), ""]):
        if line.startswith("|") and not set(line) <= set("|-: "):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        if rows and not following.startswith("|"):
            yield rows
            rows = []


def table(document: Path, heading: str) -> Sequence[Sequence[str]]:
    """The rows of the table whose first column has this heading, or of all of them."""
    found = [rows[1:] for rows in tables(document.read_text()) if rows[0][0] == heading]
    assert found, f"{document.name} has no table that begins with {heading!r}"
    return [row for rows in found for row in rows]


def _prose(text: str) -> str:
    for block in blocks(text, ""):
        text = text.replace(block.text, "", 1)
    return text


def _anchor(heading: str) -> str:
    kept = re.sub(r"[^\w\- ]", "", heading.lower())
    return kept.replace(" ", "-")
