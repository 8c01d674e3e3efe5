"""The part of Mermaid's grammar that the documents use; anything else is an error."""

import re
from collections.abc import Mapping

_ID = r"[A-Za-z_]\w*"
_LABEL = r'(?:"[^"]*"|[^"()\[\]{}|]+)'
_NODE = rf"{_ID}(?:\[{_LABEL}\]|\(\[{_LABEL}\]\)|\[\({_LABEL}\)\]|\({_LABEL}\)|\{{{_LABEL}\}})?"
_ARROW = rf"(?:-->|-\.->|==>)(?:\|{_LABEL}\|)?"
_STATE = rf"(?:\[\*\]|{_ID})"

GRAMMARS: Mapping[str, re.Pattern[str]] = {
    r"flowchart (?:LR|TD)": re.compile(rf"{_NODE}(?: {_ARROW} {_NODE})*"),
    r"stateDiagram-v2": re.compile(rf"{_STATE} --> {_STATE}(?: : [^:;]+)?"),
}
"""First line to what every other line must be."""


def check_mermaid(text: str) -> None:
    """Fail if a diagram has a line that is not understood.

    Args:
        text: The diagram.
    """
    first, *lines = [line.strip() for line in text.splitlines() if line.strip()]
    grammar = next((lines for kind, lines in GRAMMARS.items() if re.fullmatch(kind, first)), None)
    assert grammar is not None, f"{first!r} is no kind of diagram that can be checked"
    wrong = [line for line in lines if not grammar.fullmatch(line)]
    assert lines, "an empty diagram"
    assert not wrong, f"not Mermaid: {wrong}"
