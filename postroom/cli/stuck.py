"""`postroom stuck`: what has been running for too long."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from monitoring.jobs.stuck import get_stuck_jobs
from monitoring.words import span
from postroom.columns import columns
from postroom.printing import answer


def stuck(
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,  # noqa: FBT002
) -> None:
    """List what has been running for too long, the longest first."""
    with answer(as_json=as_json) as say:
        found = get_stuck_jobs()
        say(found, _for_people(found))


def _for_people(found: Sequence[Mapping[str, Any]]) -> str:
    if not found:
        return "Nothing is stuck."
    rows = [
        (
            each["severity"],
            span(each["stuckDuration"] / 1000),
            each["jobName"],
            each["jobId"],
            each["queueName"],
            each["attemptsMade"],
            each["reason"].replace("_", " "),
            _policy(each["policy"]),
        )
        for each in found
    ]
    table = columns(("SEVERITY", "FOR", "TYPE", "JOB", "QUEUE", "STARTS", "WHY", "POLICY"), rows)
    notes = dict.fromkeys(each["policy"]["why"] for each in found if each["policy"]["why"])
    table = "\n\n".join((table, *notes))
    return f"{table}\n\n`postroom why JOB` says more, and `postroom jobs stop JOB` ends one."


def _policy(policy: Mapping[str, Any]) -> str:
    action, at = policy["action"], policy["at"]
    if policy["why"]:
        return f"{action}, but not this"
    if policy["done"]:
        return f"{action} since {_clock(policy['done'])}"
    return action if at is None else f"{action} at {_clock(at)}"


def _clock(written: str) -> str:
    return f"{written[:10]} {written[11:19]} UTC"
