"""`postroom search`: find jobs by what they carry, type, state, queue, id, time and error."""

from typing import Annotated, Any

import typer

from monitoring.search import MOST_HITS, search_jobs
from postroom.acting import AsJson
from postroom.columns import columns
from postroom.printing import answer
from workers import load_settings
from workers.loading import load_packages

JsonDict = dict[str, Any]

_HELP = """Such as: type:EMAIL -state:completed to:bob@example.com error:"timed out" since:2h;
one that begins with - stands behind --."""


def search(
    query: Annotated[str, typer.Argument(metavar="QUERY", help=_HELP)],
    limit: Annotated[int, typer.Option(min=1, max=MOST_HITS, help="How many.")] = 20,
    cursor: Annotated[str | None, typer.Option(help="Go on where the last page ended.")] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Find jobs; all that is asked for must fit."""
    with answer(as_json=as_json) as say:
        load_packages(load_settings().message_packages, setting="MESSAGE_PACKAGES")
        found = search_jobs(query, limit=limit, cursor=cursor)
        say(found, _for_people(found))


def _for_people(found: JsonDict) -> str:
    lines = []
    if found["jobs"]:
        rows = [
            (job["jobId"], job["messageType"] or "-", job["queue"], job["state"], _sent(job))
            for job in found["jobs"]
        ]
        lines.append(columns(("JOB", "TYPE", "QUEUE", "STATE", "SENT (UTC)"), rows))
    elif not found["partial"]:
        lines.append("No such jobs.")
    if found["partial"]:
        lines.append("Not all was looked through.")
    if found["cursor"]:
        lines.append(f"More: --cursor {found['cursor']}")
    return "\n".join(lines)


def _sent(job: JsonDict) -> str:
    return (job["createdAt"] or job["endedAt"] or "-")[:19].replace("T", " ")
