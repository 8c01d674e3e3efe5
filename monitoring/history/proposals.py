"""Which other value of a setting is worth a look, and the sentence about it. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from monitoring.history.kinds import JsonDict, Saving
from monitoring.words import size, span

HOUR, DAY = 3_600, 86_400
_SPANS = (HOUR, 6 * HOUR, 12 * HOUR, DAY, 3 * DAY, 7 * DAY, 30 * DAY, 90 * DAY, 365 * DAY)
_SECONDS, _DAYS = ("RESULT_TTL", "FAILURE_TTL"), ("DEAD_LETTER_DAYS",)
_WHAT = {
    "RESULT_TTL": "finished jobs",
    "FAILURE_TTL": "failed and cancelled jobs",
    "KEEP_FINISHED": "finished jobs of each list that returned nothing",
    "KEEP_FAILED": "failed jobs of each list",
    "DEAD_LETTER_DAYS": "dead letters",
    "INDEX_JOBS": "jobs in the index of each message type",
    "STREAM_LIMIT": "entries of each stream",
}


def shorter(seconds: int) -> int:
    """A time to keep something for instead: a usual one, at most half as long.

    Args:
        seconds: As it is now, from 0.
    """
    return max((each for each in _SPANS if each <= seconds // 2), default=seconds // 2)


def fewer(count: int, least: int = 0) -> int:
    """A count to keep at most instead: half of it.

    Args:
        count: As it is now.
        least: What the setting allows.
    """
    return max(count // 2, least)


def told_savings(savings: Sequence[Saving], values: Mapping[str, Any]) -> Sequence[JsonDict]:
    """What other values would save, the most first; what saves nothing is left out.

    Args:
        savings: In any order; those of one setting are added up.
        values: Of all settings, by their names.
    """
    together: dict[tuple[str, int | str], int] = {}
    for each in savings:
        key = (each.setting, each.instead)
        together[key] = together.get(key, 0) + each.bytes
    ordered = sorted(together.items(), key=lambda pair: pair[1], reverse=True)
    return [
        {
            "setting": setting,
            "value": values[setting],
            "instead": instead,
            "bytes": saved,
            "says": _sentence(setting, values[setting], instead, saved),
        }
        for (setting, instead), saved in ordered
        if saved > 0
    ]


def _sentence(setting: str, value: Any, instead: int | str, saved: int) -> str:
    about = f"saves about {size(saved)}"
    if setting == "KEEP_PAYLOAD":
        return f"Keeping no message of finished jobs {about}."
    what = _WHAT[setting]
    if setting in _SECONDS:
        return f"Keeping {what} {span(int(instead))} instead of {span(value)} {about}."
    if setting in _DAYS:
        return f"Keeping {what} {instead} days instead of {value} {about}."
    return f"Keeping {instead:,} {what} instead of {value:,} {about}."
