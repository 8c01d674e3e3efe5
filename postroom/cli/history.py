"""`postroom history`: what the past costs in Redis."""

import re
from collections.abc import Mapping
from typing import Any

from monitoring.history import get_history_cost
from monitoring.words import size
from postroom.acting import AsJson
from postroom.columns import columns
from postroom.printing import answer

_HEADER = ("WHAT", "ENTRIES", "SIZE", "KEPT BY")


def history(as_json: AsJson = False) -> None:  # noqa: FBT002
    """Tell what each kind of history takes in Redis, and what other settings would save."""
    with answer(as_json=as_json) as say:
        found = get_history_cost()
        say(found, _for_people(found))


def _for_people(found: Mapping[str, Any]) -> str:
    used = found["usedBytes"]
    of = f" of {size(used)} that the server uses" if used else ""
    return "\n".join(
        (
            columns(_HEADER, [_row(each) for each in found["kinds"]]),
            f"In all {size(found['historyBytes'])}{of}; ~ is an estimate from a sample.",
            *(f"{each['says']} ({each['setting']})" for each in found["savings"]),
        )
    )


def _row(kind: Mapping[str, Any]) -> tuple[str, ...]:
    settings = ", ".join(f"{name}={value}" for name, value in kind["settings"].items())
    about = {name: "~" if name in kind["sampled"] else "" for name in ("entries", "bytes")}
    return (
        re.sub(r"(?<=[a-z])([A-Z])", r" \1", kind["kind"]).lower(),
        f"{about['entries']}{kind['entries']:,}",
        f"{about['bytes']}{size(kind['bytes'])}",
        settings or kind["limit"],
    )
