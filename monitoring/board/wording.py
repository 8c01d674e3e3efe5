"""Numbers and times as the board shows them; DESIGN of the words: a unit after a space. Pure."""

import json
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from monitoring.words import span

_THIN = "\u202f"  # a narrow space that no line breaks at
_FIXED = "\u00a0"  # a space that no line breaks at
_NONE = "\N{EN DASH}"
_SECOND, _MINUTE, _HOUR = 1_000.0, 60_000.0, 3_600_000.0
_DAYS_TOLD = 2
_BLOCK = 8  # characters
_READ = 300  # likewise


def count(number: float) -> str:
    """A number with thin spaces for thousands; at most three figures that matter below 100.

    Args:
        number: From 0.
    """
    shown = f"{number:,.0f}" if number >= 100 or number == int(number) else f"{number:.3g}"  # noqa: PLR2004
    return shown.replace(",", _THIN)


def percent(share: float | None) -> str:
    """A percentage, such as `98.9 %`; 100 and 0 only where they are exact.

    Args:
        share: In percent; None if there is none.
    """
    if share is None:
        return _NONE
    if share in {0.0, 100.0}:
        return f"{share:.0f}{_FIXED}%"
    return f"{min(max(share, 0.1), 99.9):.1f}{_FIXED}%"


def duration(milliseconds: float | None) -> str:
    """A time span, such as `48 ms`, `1.4 s`, `24 min` or `1 h 12 min`.

    Args:
        milliseconds: From 0; None if there is none.
    """
    if milliseconds is None:
        return _NONE
    if milliseconds < _SECOND:
        return f"{milliseconds:.0f} ms" if milliseconds >= 1 else f"{milliseconds:.2g} ms"
    if milliseconds < _MINUTE:
        seconds = milliseconds / _SECOND
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004
    if milliseconds < _HOUR:
        return f"{milliseconds / _MINUTE:.0f} min"
    hours, rest = divmod(milliseconds, _HOUR)
    minutes = int(rest / _MINUTE)
    if hours >= 24 * _DAYS_TOLD:
        return f"{hours / 24:.0f} d"
    return f"{hours:.0f} h {minutes} min" if minutes else f"{hours:.0f} h"


def size(number: float | None) -> str:
    """Bytes, such as `1.4 GB`.

    Args:
        number: From 0; None if it is not known.
    """
    if number is None:
        return _NONE
    for length, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if number >= length:
            return f"{number / length:.3g} {unit}"
    return f"{number:.0f} bytes"


def short(name: str) -> str:
    """The end of an id, which differs where many were made at once.

    Args:
        name: The whole of it.
    """
    return name if len(name) <= _BLOCK else f"\N{HORIZONTAL ELLIPSIS}{name[-_BLOCK:]}"


def cut(text: str) -> str:
    """As much of a text as a sentence can carry; what is left out is shown by an ellipsis.

    Args:
        text: It may quote an error, which is long at times.
    """
    return text if len(text) <= _READ else f"{text[:_READ].rstrip()}\N{HORIZONTAL ELLIPSIS}"


def exactly(moment: datetime) -> str:
    """A moment with its zone, such as `2026-11-22 14:02:10 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def pretty(value: Any) -> str:
    """JSON over several lines, for people."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def told(moment: datetime | str | None, *, now: datetime, form: str = "ago") -> Markup:
    """A moment as people say it; a browser keeps it up to date, and shows the exact one on hover.

    Args:
        moment: Aware, or ISO 8601; None is a dash.
        now: The time.
        form: `ago` (`24 min ago`, `in 4 min`), or `span` (`24 min`).
    """
    if moment is None:
        return Markup("&ndash;")
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    stamp = moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    kind = Markup("") if form == "ago" else Markup(' data-f="{}"').format(form)
    return Markup('<time datetime="{}"{}>{}</time>').format(
        stamp, kind, _relative(moment, now, form)
    )


def _relative(moment: datetime, now: datetime, form: str) -> str:
    seconds = (now - moment).total_seconds()
    if form == "span":
        return span(max(0, int(seconds)))
    if abs(seconds) >= _DAYS_TOLD * 86_400:
        return f"{moment.astimezone(UTC):%d %b %H:%M} UTC"
    if abs(seconds) < 1:
        return "now"
    if seconds < 0:
        return f"in {span(int(-seconds))}"
    return f"{span(int(seconds))} ago"


def clock(moment: datetime | str, *, now: datetime) -> str:
    """The time of a day by UTC, with the day if it was another one."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    moment = moment.astimezone(UTC)
    return f"{moment:%H:%M}" if moment.date() == now.date() else f"{moment:%d %b %H:%M}"
