"""Rows for people: aligned columns, and nothing in them that could steer a terminal."""

from collections.abc import Sequence

Cell = str | int

_GAP = "  "


def columns(header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Lay out rows.

    Args:
        header: A name for each column.
        rows: Texts stand at the left of their column, numbers at the right.

    Returns:
        Lines, the header first, each without spaces at its end.
    """
    shown = [[_text(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *shown, strict=True)]
    numeric = [bool(rows) and isinstance(cell, int) for cell in (rows[0] if rows else header)]
    return "\n".join(_line(row, widths, numeric) for row in (header, *shown))


def printable(text: str) -> str:
    """A text from Redis, with its control characters shown instead of obeyed."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _text(cell: Cell) -> str:
    return f"{cell:,}" if isinstance(cell, int) else printable(cell)


def _line(row: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    cells = (
        text.rjust(width) if right else text.ljust(width)
        for text, width, right in zip(row, widths, numeric, strict=True)
    )
    return _GAP.join(cells).rstrip()
