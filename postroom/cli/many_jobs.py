"""`postroom jobs retry-all` and `cancel-all`: what a search finds, after a look at it."""

from typing import Annotated

import typer

from monitoring.jobs.matching import matching_jobs
from monitoring.words import number
from postroom.acting import Actor, AsJson, Reason, acting
from postroom.printing import answer
from workers import load_settings, many_jobs
from workers.connection import default_connection
from workers.loading import load_packages
from workers.many_jobs import Action, ManyJobs

app = typer.Typer()

_Query = Annotated[
    str, typer.Argument(metavar="QUERY", help="As `postroom search` takes it: type:EMAIL ...")
]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say which; the run takes these.")]

_DONE = {"retry": ("Would retry", "Retried"), "cancel": ("Would cancel", "Cancelled")}
_SHOWN = 20


@app.command("retry-all")
def retry_all(
    query: _Query,
    reason: Reason,
    dry_run: _DryRun = False,  # noqa: FBT002
    actor: Actor = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Send the failed and stopped jobs of a search again; those that are due later run now."""
    _act("retry", query, reason, actor, dry_run=dry_run, as_json=as_json)


@app.command("cancel-all")
def cancel_all(
    query: _Query,
    reason: Reason,
    dry_run: _DryRun = False,  # noqa: FBT002
    actor: Actor = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Take out the jobs of a search that have not begun."""
    _act("cancel", query, reason, actor, dry_run=dry_run, as_json=as_json)


def _act(  # noqa: PLR0913 - what the command line said
    action: Action, query: str, reason: str, actor: str | None, *, dry_run: bool, as_json: bool
) -> None:
    with answer(as_json=as_json) as say:
        settings, connection = load_settings(), default_connection()
        load_packages(settings.message_packages, setting="MESSAGE_PACKAGES")
        by = acting(actor, reason)
        plan = None if dry_run else many_jobs.planned(action, name=query, connection=connection)
        if plan is None:
            found = matching_jobs(action, query, tenant=None, connection=connection)
            plan = many_jobs.ManyJobs(found.job_ids, found.refused)
            many_jobs.remember(action, plan, name=query, connection=connection)
        if not dry_run:
            plan = many_jobs.run(
                action, plan, name=query, by=by, settings=settings, connection=connection
            )
        say(_told(plan, dry_run=dry_run), _for_people(action, plan, dry_run=dry_run))


def _told(plan: ManyJobs, *, dry_run: bool) -> dict[str, object]:
    return {
        "success": True,
        "dryRun": dry_run,
        "count": len(plan.job_ids),
        "jobIds": list(plan.job_ids),
        "refusedCount": len(plan.refused),
    }


def _for_people(action: Action, plan: ManyJobs, *, dry_run: bool) -> str:
    would, done = _DONE[action]
    lines = [f"{would if dry_run else done} {number(len(plan.job_ids), 'job')}."]
    if dry_run:
        lines += plan.job_ids[:_SHOWN]
    if plan.refused:
        first = plan.refused[0]
        lines.append(f"{number(len(plan.refused), 'job')} cannot be: {first.error}")
    return "\n".join(lines)
