"""`postroom scale`: how many workers each queue should have."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

import typer

from monitoring.scale.queues import read_scale
from monitoring.words import number, span
from postroom.columns import columns
from postroom.printing import answer


def scale(
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,  # noqa: FBT002
) -> None:
    """Say how many workers would drain each queue within SCALE_DRAIN_SECONDS."""
    with answer(as_json=as_json) as say:
        found = read_scale().as_json()
        say(found, _for_people(found))


def _for_people(found: Mapping[str, Any]) -> str:
    header = ("QUEUE", "WORKERS", "DESIRED", "WAITING", "DONE/MIN", "GROWS/MIN", "DRAINED IN")
    rows = [
        (
            name,
            each["workers"],
            each["desired_workers"],
            each["waiting"],
            f"{each['done_per_minute']:g}",
            "?" if each["grows_per_minute"] is None else f"{each['grows_per_minute']:g}",
            _drained(each["drains_in_seconds"]),
        )
        for name, each in found["queues"].items()
    ]
    wanted = number(found["desired_workers"], "worker")
    return f"{columns(header, rows)}\n\nIn all {wanted} would do."


def _drained(seconds: float | None) -> str:
    return "-" if seconds is None else span(timedelta(seconds=seconds).total_seconds())
