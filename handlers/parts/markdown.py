"""Turns a messy note into clean Markdown. The same text always gives the same result."""

import re
import textwrap
from dataclasses import dataclass, field

_CODE_INDENT = 4  # columns after which Markdown takes a paragraph for code
_PASSES = 20  # each pass only simplifies; texts settle after two or three

_LINE_ENDS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
# Control characters, lone surrogates, zero-width spaces and direction marks.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\xad\u061c\u180e\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\ufeff]"
)
FENCE = re.compile(r"(`{3,}(?=[^`]*$)|~{3,})(.*)")
"""The line that opens a block of code: its marks, and the language."""
_RULE = re.compile(r"([-*_])(?:\s*\1){2,}")
_HEADING = re.compile(r"(#{1,6})\s+(.*?)(?:\s+#+)*|(#{2,6})([^#\s].*?)(?:\s*#{2,})?")
_BULLET = re.compile(r"[-*+•‣◦▪●–—·]\s+(.+)")  # noqa: RUF001 - people do type these
_NUMBER = re.compile(r"(\d{1,9})[.)]\s+(.+)")
_QUOTE = re.compile(r"((?:>\s?)+)(.*)")
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")


def clean(text: str) -> str:
    """Bring a note into plain, regular Markdown.

    Line ends, white space, bullets, headings, rules and quotes get one form each; control and
    invisible characters go; indented code becomes fenced; code itself is kept as it is.

    Args:
        text: Any text.

    Returns:
        The Markdown, without blank lines at its ends. Cleaning it again changes nothing.
    """
    for _ in range(_PASSES):
        cleaned = _Cleaner().clean(visible(text))
        if cleaned == text:
            break
        text = cleaned
    return text


def visible(text: str) -> str:
    """The text with plain line ends, and without characters that nobody can see.

    Args:
        text: Any text.

    Returns:
        The text; tabs and the joiners that emoji and several scripts need are kept.
    """
    return _INVISIBLE.sub("", _LINE_ENDS.sub("\n", text))


@dataclass
class _Cleaner:
    """One pass over the lines of a text."""

    out: list[str] = field(default_factory=list)
    kind: str = "blank"
    """What the last line was: blank, text, item, heading, rule, quote or code."""
    list_indent: int | None = None
    """Columns that the list we are in is indented by; None outside a list."""
    fence: str = ""
    """The line that will close the fenced code we are in."""
    fence_indent: int = 0
    indented_code: list[str] = field(default_factory=list)

    def clean(self, text: str) -> str:
        for line in text.split("\n"):
            self._line(line)
        self._end_indented_code()
        if self.fence:
            self._close_for_good()
        return "\n".join(self.out).strip("\n")

    def _line(self, line: str) -> None:
        if self.fence:
            self._inside_fence(line)
            return
        expanded = line.expandtabs(4)
        words = _single_spaced(expanded)
        indent = len(expanded) - len(expanded.lstrip())
        if self._is_indented_code(words, indent):
            self.indented_code.append(expanded)
            return
        self._end_indented_code()
        if not words:
            self._blank()
        elif opening := FENCE.fullmatch(words):
            self._open_fence(opening[1], opening[2].strip(), indent)
        else:
            self._prose(words, indent)

    def _prose(self, words: str, indent: int) -> None:
        if self._is_underline(words):
            self._underlined(1 if words[0] == "=" else 2)
        elif _RULE.fullmatch(words):
            self._apart("rule", "---")
        elif heading := _HEADING.fullmatch(words):
            self._apart("heading", f"{heading[1] or heading[3]} {heading[2] or heading[4]}".strip())
        elif bullet := _BULLET.fullmatch(words):
            self._item(indent, f"- {bullet[1]}")
        elif number := _NUMBER.fullmatch(words):
            self._item(indent, f"{number[1]}. {number[2]}")
        elif quote := _QUOTE.fullmatch(words):
            marks = "> " * quote[1].count(">")
            self._block("quote", f"{marks}{quote[2]}".rstrip())
        else:
            self._text(words, indent)

    def _is_underline(self, words: str) -> bool:
        follows_text = self.kind == "text" and not self._in_list()
        return follows_text and re.fullmatch(r"={3,}|-{3,}", words) is not None

    def _underlined(self, level: int) -> None:
        title = self.out.pop()
        self.kind = "blank" if not self.out or not self.out[-1] else "text"
        self._apart("heading", f"{'#' * level} {title}")

    def _item(self, indent: int, line: str) -> None:
        joins = self.kind in {"blank", "item"} or (self.kind == "text" and self._in_list())
        if not joins:
            self._blank()
        if self.list_indent is None or indent < self.list_indent:
            self.list_indent = indent
        self._emit("item", " " * (indent - self.list_indent) + line)

    def _text(self, words: str, indent: int) -> None:
        if self.list_indent is not None and indent > self.list_indent:
            self._emit("text", " " * (indent - self.list_indent) + words)
            return
        if self.kind == "blank":
            self.list_indent = None
        self._block("text", words)

    def _in_list(self) -> bool:
        return self.list_indent is not None

    def _block(self, kind: str, line: str) -> None:
        joins = {kind, "blank", "item"} if kind == "text" else {kind, "blank"}
        if self.kind not in joins:
            self._blank()
        self._emit(kind, line)

    def _apart(self, kind: str, line: str) -> None:
        self.list_indent = None
        self._blank()
        self._emit(kind, line)
        self._blank()

    def _blank(self) -> None:
        if self.out and self.out[-1]:
            self.out.append("")
        self.kind = "blank"

    def _emit(self, kind: str, line: str) -> None:
        self.out.append(line)
        self.kind = kind

    def _open_fence(self, marks: str, language: str, indent: int) -> None:
        inside = 0 if self.list_indent is None else max(0, indent - self.list_indent)
        if not inside:
            self.list_indent = None
            self._blank()
        self.fence = " " * inside + marks
        self.fence_indent = indent - inside
        self._emit("code", f"{self.fence}{language}")

    def _inside_fence(self, line: str) -> None:
        marks = self.fence.strip()
        words = line.strip()
        if len(words) >= len(marks) and set(words) == {marks[0]}:
            self._emit("code", self.fence)
            self.fence = ""
            if self._in_list():
                self.kind = "item"
            else:
                self._blank()
            return
        spaces = len(line) - len(line.lstrip(" "))
        self.out.append(line[min(spaces, self.fence_indent) :])

    def _close_for_good(self) -> None:
        while not self.out[-1].strip():
            self.out.pop()
        self.out.append(self.fence)

    def _is_indented_code(self, words: str, indent: int) -> bool:
        if self.indented_code:
            return not words or indent >= _CODE_INDENT
        return (
            bool(words)
            and indent >= _CODE_INDENT
            and self.kind == "blank"
            and self.list_indent is None
        )

    def _end_indented_code(self) -> None:
        if not self.indented_code:
            return
        code = textwrap.dedent("\n".join(line.rstrip() for line in self.indented_code)).strip("\n")
        longest = max((len(run) for run in re.findall("`+", code)), default=0)
        marks = "`" * max(3, longest + 1)
        self._blank()
        self.out.extend((marks, *code.split("\n"), marks))
        self.indented_code = []
        self.kind = "code"
        self._blank()


def _single_spaced(line: str) -> str:
    # Spaces inside `code` mean something; everywhere else one is enough.
    pieces, end = [], 0
    for span in _CODE_SPAN.finditer(line):
        pieces += [re.sub(r"\s+", " ", line[end : span.start()]), span[0]]
        end = span.end()
    return "".join((*pieces, re.sub(r"\s+", " ", line[end:]))).strip()
