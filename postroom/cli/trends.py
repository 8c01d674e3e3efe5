"""`postroom trends`: what ended in each queue in a day, a week or a month."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from monitoring.numbers.trends import get_trends
from postroom.acting import AsJson
from postroom.columns import columns
from postroom.printing import answer


def trends(
    period: Annotated[str, typer.Option("--period", help="24h, 7d or 30d.")] = "24h",
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Tell what ended in each queue, how well, and how long it took."""
    with answer(as_json=as_json) as say:
        found = get_trends(period)
        say(found, _for_people(found))


def _for_people(found: Sequence[Mapping[str, Any]]) -> str:
    header = ("QUEUE", "SUCCEEDED", "FAILED", "TOTAL", "SUCCESS", "AVERAGE RUN")
    rows = [
        (
            each["queueName"],
            *(each[name] for name in ("successful", "failed", "total")),
            f"{each['successRate']:.2f} %",
            f"{each['avgProcessingTime']:,.1f} ms" if each["total"] else "-",
        )
        for each in found
    ]
    return columns(header, rows)
