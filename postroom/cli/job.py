"""`postroom job ID`: what is known about one job."""

from typing import Annotated, Any

import typer

from monitoring.jobs import get_job_status
from postroom.printing import answer


def job(
    job_id: Annotated[str, typer.Argument(metavar="ID", help="What `postroom send` printed.")],
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,  # noqa: FBT002
) -> None:
    """Show a job's state, its attempts and its result."""
    with answer(as_json=as_json) as say:
        found = get_job_status(job_id)
        say(found, _for_people(found))


def _for_people(found: dict[str, Any]) -> str:
    lines = [f"{found['messageType']} {found['jobId']}: {found['status']} (queue {found['queue']})"]
    lines += [_attempt(entry) for entry in found["attempts"]]
    if found["progress"] and found["status"] == "started":
        lines.append(f"  progress: {found['progress']['share']:.0%} {found['progress']['note']}")
    if found["reason"]:
        lines.append(f"  dead letter: {found['reason']}: {found['error']}")
    if found["result"] is not None:
        lines.append(f"  result: {found['result']}")
    return "\n".join(lines)


def _attempt(entry: dict[str, Any]) -> str:
    line = f"  attempt {entry['number']}: {entry['outcome']}"
    if entry.get("error"):
        line += f", {entry['error']}"
    if entry.get("delaySeconds") is not None:
        line += f"; again after {entry['delaySeconds']:g} s ({entry['why']})"
    return line
