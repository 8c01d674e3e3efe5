"""`postroom health`: whether the system answers, in the shape of requirement 004."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from monitoring.explain.queue_health import get_health_report
from monitoring.health import get_system_health
from monitoring.words import number
from postroom.columns import columns, printable
from postroom.printing import answer

UNHEALTHY = 1


def health(
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,  # noqa: FBT002
) -> None:
    """Say whether Redis answers and how much there is to do; exit code 1 if it does not."""
    with answer(as_json=as_json) as say:
        found = get_system_health()
        queues = [] if as_json or "error" in found else get_health_report()["queues"]
        say(found, "\n\n".join([_for_people(found), *_ill(queues)]))
    if "error" in found:
        raise SystemExit(UNHEALTHY)


def _for_people(found: dict[str, Any]) -> str:
    if "error" in found:
        error = found["error"]
        return f"UNHEALTHY  {printable(error['message'])}\n  Do: {error['remedy']}"
    workers = found["workers"]
    sentence = f"Redis answers. {number(workers['count'], 'worker')}, {workers['active']} busy."
    rows = [
        (name, figures["queue_size"], figures["scheduled_jobs"], figures["failed_jobs"])
        for name, figures in found["queue_stats"].items()
    ]
    parts = [
        sentence,
        *map(_warning, found.get("warnings", ())),
        columns(("QUEUE", "WAITING", "SCHEDULED", "FAILED"), rows),
    ]
    if any(figures["failed_jobs"] for figures in found["queue_stats"].values()):
        parts.append("`postroom dead-letters list` shows which failures nobody has settled yet.")
    return "\n\n".join(parts)


def _ill(queues: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for queue in queues:
        if queue["status"] != "healthy":
            lines = [f"{queue['status'].upper()}  {queue['queueName']}: {queue['reasons'][0]}"]
            lines += queue["reasons"][1:]
            lines.append(f"Do: {queue['recommendations'][0]}")
            yield "\n  ".join(printable(line) for line in lines)


def _warning(found: dict[str, str]) -> str:
    return f"{found['severity'].upper()}  {found['message']}\n  Do: {found['remedy']}"
