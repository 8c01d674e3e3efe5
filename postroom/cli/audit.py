"""`postroom audit`: who did what, when and why."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from postroom.acting import AsJson
from postroom.columns import columns
from postroom.printing import answer
from workers.audit import KEPT, AuditEntry, entries
from workers.connection import default_connection, storage_errors


def audit(
    limit: Annotated[int, typer.Option(min=1, max=KEPT, help="How many, newest first.")] = 20,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Show what operators did to queues and jobs, newest first."""
    with answer(as_json=as_json) as say, storage_errors():
        found = entries(limit, connection=default_connection())
        say({"entries": [asdict(each) for each in found]}, _for_people(found))


def _for_people(found: Sequence[AuditEntry]) -> str:
    if not found:
        return "Nobody has done anything yet."
    rows = [
        (each.at[:19].replace("T", " "), each.actor, each.action, each.target, each.reason)
        for each in found
    ]
    return columns(("TIME (UTC)", "WHO", "WHAT", "TO", "WHY"), rows)
