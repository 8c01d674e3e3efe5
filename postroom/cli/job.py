"""`postroom job ID`: what is known about one job."""

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from monitoring.jobs import get_job_log, get_job_status
from postroom.columns import printable
from postroom.log_lines import for_people
from postroom.printing import answer
from workers.loading import load_packages
from workers.settings import load_settings

_LINES = 20


def job(
    job_id: Annotated[str, typer.Argument(metavar="ID", help="What `postroom send` printed.")],
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,  # noqa: FBT002
) -> None:
    """Show a job's state, its attempts, its result and the end of its log."""
    with answer(as_json=as_json) as say:
        # What is secret in a result is told by the type of its message.
        load_packages(load_settings().message_packages, setting="MESSAGE_PACKAGES")
        found = get_job_status(job_id)
        logged = [] if as_json or not found["logLines"] else get_job_log(job_id, last=_LINES)
        say(found, "\n".join([_for_people(found), *_log(logged, found["logLines"])]))


def _for_people(found: dict[str, Any]) -> str:
    lines = [f"{found['messageType']} {found['jobId']}: {found['status']} (queue {found['queue']})"]
    if pause := found["heldBy"]:
        lines.append(_held_back(pause))
    if found["replayedAs"]:
        lines.append(_sent_again(found))
    lines += [_attempt(entry) for entry in found["attempts"]]
    if found["progress"] and found["status"] == "started":
        lines.append(f"  progress: {found['progress']['share']:.0%} {found['progress']['note']}")
    if found["reason"]:
        what = "it had died of" if found["replayedAs"] else "dead letter"
        lines.append(f"  {what}: {found['reason']}: {found['error']}")
    if found["result"] is not None:
        lines.append(f"  result: {json.dumps(found['result'], ensure_ascii=False, default=str)}")
    if found["resultError"]:
        lines.append(f"  result: {found['resultError']}")
    return "\n".join(lines)


def _sent_again(found: dict[str, Any]) -> str:
    who = f", by {found['replayedBy']}" if found["replayedBy"] else ""
    return printable(f"  sent again as job {found['replayedAs']}{who}")


def _held_back(pause: dict[str, Any]) -> str:
    since = f"{pause['at'][:19].replace('T', ' ')} UTC"
    whose = f"a pause of the {pause['kind']} {pause['name']}, since {since}"
    return printable(f"  held back by {whose}, by {pause['actor']}: {pause['reason']}")


def _log(logged: Sequence[dict[str, Any]], kept: int) -> list[str]:
    if not logged:
        return []
    more = f", the last {len(logged)} of {kept} lines" if kept > len(logged) else ""
    shown = [f"    {line}" for entry in logged for line in _lines(entry)]
    return [f"  log{more}:", *shown]


def _lines(entry: dict[str, Any]) -> list[str]:
    return for_people(entry, colours=False).splitlines()


def _attempt(entry: dict[str, Any]) -> str:
    line = f"  attempt {entry['number']}: {entry['outcome']}"
    if entry.get("error"):
        line += f", {entry['error']}"
    if entry.get("delaySeconds") is not None:
        line += f"; again after {entry['delaySeconds']:g} s ({entry['why']})"
    return line
