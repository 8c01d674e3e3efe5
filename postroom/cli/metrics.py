"""`postroom metrics`: all queues in numbers, or every figure of queues or of message types."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from monitoring.numbers.metrics import get_metrics
from monitoring.numbers.queue_figures import get_queue_figures
from monitoring.numbers.type_figures import get_type_figures
from monitoring.words import span
from postroom.acting import AsJson
from postroom.columns import columns
from postroom.printing import answer


class Breakdown(StrEnum):
    """By what figures are told."""

    QUEUE = "queue"
    TYPE = "type"


def metrics(
    by: Annotated[
        Breakdown | None, typer.Option("--by", help="Every figure of queues, or of types.")
    ] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Count the jobs of every queue, and tell how fast and how well they end."""
    with answer(as_json=as_json) as say:
        if by is None:
            found = get_metrics()
            say(found, _metrics(found))
        elif by is Breakdown.QUEUE:
            queues = get_queue_figures()
            say(queues, _figures(queues, "queueName", "QUEUE"))
        else:
            types = get_type_figures()
            say(types, _types(types))


def _metrics(found: Mapping[str, Any]) -> str:
    header = ("QUEUE", "WAITING", "ACTIVE", "DELAYED", "FAILED", "DONE", "PAUSED")
    names = ("waiting", "active", "delayed", "failed", "completed")
    rows = [
        (each["queueName"], *(each[name] for name in names), "yes" if each["paused"] else "-")
        for each in found["queues"]
    ]
    total = ("all", *(found["totals"][name] for name in names), "")
    rates = f"{found['successRate']:.2f} % of the last 1,000 outcomes succeeded."
    rates += f" {found['processingRate']:,.1f} jobs ended in the last minute."
    return f"{columns(header, [*rows, total])}\n\n{rates}"


def _types(found: Sequence[Mapping[str, Any]]) -> str:
    if not found:
        return "There are no jobs, and none ended in the last 7 days."
    text = _figures(found, "messageType", "TYPE")
    if not found[0]["countsAreExact"]:
        text += "\n\nWAITING is estimated from some of the jobs."
    return text


def _figures(found: Sequence[Mapping[str, Any]], name: str, title: str) -> str:
    header = (title, "WAITING", "OLDEST", "A MINUTE", "SUCCESS", "24 H", "RUN P50", "P95", "P99")
    rows = [
        (
            each[name],
            each["waiting"],
            _time(each["oldestWaitingAge"]),
            f"{each['processingRate']:,.1f}",
            f"{each['successRate']:.2f} %",
            f"{each['windows']['24h']['successRate']:.2f} %",
            *(_time(each["run"][share]) for share in ("p50", "p95", "p99")),
            *(_time(each["wait"][share]) for share in ("p50", "p95", "p99")),
        )
        for each in found
    ]
    return columns((*header, "WAIT P50", "P95", "P99"), rows)


def _time(milliseconds: float | None) -> str:
    if milliseconds is None:
        return "-"
    return f"{milliseconds:.1f} ms" if milliseconds < 1000 else span(milliseconds / 1000)  # noqa: PLR2004 - a second
