"""Numbers and names as people read them."""

from collections.abc import Sequence

_SPANS = ((86_400, "d"), (3_600, "h"), (60, "min"))
_SIZES = ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB"))
_NAMES_SHOWN = 5


def span(seconds: float) -> str:
    """A time span, such as `14 min`; cut down to two digits or so, never rounded up.

    Args:
        seconds: From 0.
    """
    for length, unit in _SPANS:
        if seconds >= 2 * length:
            return f"{int(seconds / length)} {unit}"
    return f"{int(seconds)} s" if seconds >= 1 else f"{seconds:.1f} s"


def size(count: float) -> str:
    """A number of bytes, such as `1.2 GB`.

    Args:
        count: Bytes, from 0.
    """
    for length, unit in _SIZES:
        if count >= length:
            return f"{count / length:.1f} {unit}"
    return f"{count:.0f} bytes"


def number(count: int, noun: str, plural: str = "") -> str:
    """A count and what is counted, such as `1 job` and `1,204 jobs`.

    Args:
        count: From 0.
        noun: In the singular.
        plural: Where an s alone does not make it.
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {plural or f'{noun}s'}"


def are(count: int) -> str:
    """The verb for a count: `is` or `are`."""
    return "is" if count == 1 else "are"


def listed(names: Sequence[str]) -> str:
    """Names with commas and a last `and`; after the fifth only how many more there are."""
    shown = list(names[:_NAMES_SHOWN])
    if len(names) > _NAMES_SHOWN:
        shown.append(f"{len(names) - _NAMES_SHOWN:,} more")
    return " and ".join(filter(None, (", ".join(shown[:-1]), *shown[-1:])))


def first_line(text: str, otherwise: str = "") -> str:
    """The first line of an error, without the space around it; `otherwise` if it has none."""
    return (text.strip().splitlines() or [otherwise])[0]
