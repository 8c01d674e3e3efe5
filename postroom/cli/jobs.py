"""`postroom jobs`: list jobs, and retry, cancel, stop, promote, delete or clean them up."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any

import typer
from rq.utils import parse_timeout

from monitoring.jobs.listing import STATES
from monitoring.jobs.pages import MOST_JOBS, get_job_page
from monitoring.words import number
from postroom import changes
from postroom.acting import Actor, AsJson, Reason, acting
from postroom.cli import many_jobs
from postroom.columns import columns
from postroom.printing import answer
from postroom.progress import progress_bar
from workers import InvalidOption, load_settings, operations, retry_job
from workers.cleanup import CleanupPolicy, State, clean
from workers.loading import load_packages

app = typer.Typer(help="List jobs, and act on them.")
app.registered_commands.extend(many_jobs.app.registered_commands)

_Id = Annotated[str, typer.Argument(metavar="ID", help="A job's id.")]
_Queue = Annotated[str | None, typer.Option("--queue", help="Only of this queue.")]


@app.callback(invoke_without_command=True)
def list_jobs(  # noqa: PLR0913, PLR0917 - one parameter an option of the command
    context: typer.Context,
    queue: _Queue = None,
    state: Annotated[
        str | None, typer.Option("--state", help=f"Only those: {', '.join(STATES)}.")
    ] = None,
    message_type: Annotated[str | None, typer.Option("--type", help="Only of this type.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST_JOBS, help="How many, newest first.")] = 20,
    cursor: Annotated[str | None, typer.Option(help="Go on where the last page ended.")] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """List the newest jobs; with a command, act on one."""
    if context.invoked_subcommand is not None:
        return
    with answer(as_json=as_json) as say:
        found = get_job_page(
            queue=queue, state=state, message_type=message_type, limit=limit, cursor=cursor
        )
        say(found, _for_people(found))


@app.command("cancel")
def cancel_job(
    job_id: _Id,
    reason: Reason,
    actor: Actor = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Take a job out that still waits."""
    _act(operations.cancel, job_id, reason, actor, as_json=as_json, done="Cancelled")


@app.command("stop")
def stop_job(
    job_id: _Id,
    reason: Reason,
    actor: Actor = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Tell the worker that runs a job to stop it."""
    _act(operations.stop, job_id, reason, actor, as_json=as_json, done="Told its worker to stop")


@app.command("promote")
def promote_job(
    job_id: _Id,
    reason: Reason,
    actor: Actor = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Let a job that is due later run now."""
    _act(operations.promote, job_id, reason, actor, as_json=as_json, done="Promoted")


@app.command("delete")
def delete_job(
    job_id: _Id,
    reason: Reason,
    actor: Actor = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Remove a job that no worker has, with its records; its dead letter stays."""
    _act(operations.delete, job_id, reason, actor, as_json=as_json, done="Deleted")


@app.command("retry")
def retry(  # noqa: PLR0913, PLR0917 - one parameter an option of the command
    job_id: _Id,
    reason: Reason,
    data: changes.Data = None,
    priority: changes.Priority = None,
    attempts: changes.Attempts = None,
    backoff: changes.Backoff = None,
    timeout: changes.Timeout = None,
    to_queue: changes.ToQueue = None,
    actor: Actor = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Send a failed or stopped job's message again, perhaps changed, as a new job."""
    with answer(as_json=as_json) as say:
        load_packages(load_settings().message_packages, setting="MESSAGE_PACKAGES")
        options = changes.new_options(
            priority=priority,
            attempts=attempts,
            backoff=backoff,
            timeout=timeout,
            to_queue=to_queue,
        )
        by, changed = acting(actor, reason), changes.new_data(data)
        new_id = retry_job(job_id, by=by, data=changed, **options)
        told = f"Job retried with ID {new_id}"
        say({"success": True, "newJobId": new_id, "message": told}, f"{told}.")


@app.command("clean")
def clean_jobs(  # noqa: PLR0913, PLR0917 - one parameter an option of the command
    queue: Annotated[str, typer.Option("--queue", help="Of which queue.")],
    state: Annotated[State, typer.Option("--state", help="Which jobs.")],
    reason: Reason,
    older_than: Annotated[
        str, typer.Option(help="Only those that ended so long ago: seconds, or 10m, 24h, 7d.")
    ] = "0",
    keep_newest: Annotated[int, typer.Option(min=0, help="How many of each list stay.")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only look.")] = False,  # noqa: FBT002
    actor: Actor = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Remove ended jobs by age, and keep the newest."""
    with answer(as_json=as_json) as say:
        policy = CleanupPolicy(queue, state, _span(older_than), keep_newest)
        by = acting(actor, reason)
        with progress_bar("Cleaning", shown=not as_json) as tell:
            found = clean(policy, dry_run=dry_run, by=by, progress=tell)
        say(
            {"success": True, "dryRun": dry_run, "count": found.count, "jobIds": found.ids},
            f"{'Would remove' if dry_run else 'Removed'} {number(found.count, 'job')}.",
        )


def _act(  # noqa: PLR0913 - what the command line said
    action: Callable[..., Any],
    job_id: str,
    reason: str,
    actor: str | None,
    *,
    as_json: bool,
    done: str,
) -> None:
    with answer(as_json=as_json) as say:
        action(job_id, by=acting(actor, reason))
        say({"success": True, "jobId": job_id}, f"{done}: job {job_id}.")


def _span(text: str) -> timedelta:
    try:
        if text.endswith("d"):
            return timedelta(days=int(text.removesuffix("d")))
        return timedelta(seconds=parse_timeout(text) or 0)
    except Exception as error:  # rq raises an error of its own that is no ValueError
        raise InvalidOption(
            f"--older-than is {text!r}.",
            field="older_than",
            remedy="Write seconds, or 10m, 24h or 7d.",
        ) from error


def _for_people(found: dict[str, Any]) -> str:
    lines = []
    if found["jobs"]:
        rows = [
            (job["jobId"], job["messageType"] or "-", job["queue"], job["state"], _when(job))
            for job in found["jobs"]
        ]
        lines.append(columns(("JOB", "TYPE", "QUEUE", "STATE", "SINCE (UTC)"), rows))
    elif not found["cursor"]:
        lines.append("No such jobs.")
    if found["cursor"]:
        lines.append(f"More: --cursor {found['cursor']}")
    return "\n".join(lines)


def _when(job: dict[str, Any]) -> str:
    times = (job[name] or "" for name in ("createdAt", "enqueuedAt", "startedAt", "endedAt"))
    return max(times)[:19].replace("T", " ")
