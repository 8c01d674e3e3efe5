"""`postroom dead-letters`: look at the messages that died, mend them, send them again."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

import typer

from messages import PostroomError
from postroom import arguments, letters
from postroom import changes as changing
from postroom.acting import Actor, AsJson, Reason, acting
from postroom.letter_choice import first_letters, letters_like, one_letter
from postroom.letter_files import lines_of, write_lines
from postroom.printing import answer
from postroom.progress import Tell, progress_bar
from workers import By, InvalidOption, dead_letters, load_settings, utc_now
from workers.connection import default_connection
from workers.dead_letters import Bulk, Filter, ReplayOptions
from workers.loading import load_packages

app = typer.Typer(
    help="List, show, edit, replay, purge, import and export the messages that died.",
    no_args_is_help=True,
)

_NOT_ALL = 1  # the exit code where a part of the work was refused

_JobId = Annotated[str, typer.Argument(metavar="JOB_ID", help="As `list` shows it.")]
_MaybeJobId = Annotated[str | None, typer.Argument(metavar="JOB_ID", help="One letter.")]
_All = Annotated[bool, typer.Option("--all", help="All letters that the filters leave.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say which; the run takes these.")]
_Type = Annotated[str | None, typer.Option("--type", help="Of this message type.")]
_Queue = Annotated[str | None, typer.Option("--queue", help="Of this queue.")]
_Why = Annotated[str | None, typer.Option("--why", help="Dead for this reason, such as timeout.")]
_Text = Annotated[str | None, typer.Option("--error", help="With this text in their error.")]
_Since = Annotated[str | None, typer.Option(help="Buried since: 2h, 7d ago, or an ISO time.")]
_Until = Annotated[str | None, typer.Option(help="Buried until then.")]
_BY_HAND = "by hand, from the command line"


@app.command("list")
def list_letters(  # noqa: PLR0913, PLR0917 - one parameter an option of the command
    message_type: _Type = None,
    queue: _Queue = None,
    why: Annotated[
        str | None, typer.Option("--why", "--reason", help="Dead for this, such as timeout.")
    ] = None,
    error: _Text = None,
    since: _Since = None,
    until: _Until = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 100,
    cursor: Annotated[str | None, typer.Option(help="Go on behind this letter.")] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """List dead letters, newest first."""
    with answer(as_json=as_json) as say:
        wanted = letters_like(message_type, queue, why, error, since, until)
        found, more = first_letters(wanted, limit, cursor)
        say(
            [dead_letters.as_listed(letter) for letter in found],
            letters.letters_table(found, now=utc_now(), more=more),
        )


@app.command("show")
def show_letter(job_id: _JobId, as_json: AsJson = False) -> None:  # noqa: FBT002
    """Show one letter: its message, secrets masked, and how it died."""
    with answer(as_json=as_json) as say:
        _load_types()
        found = dead_letters.as_shown(one_letter(job_id))
        say(found, letters.letter_page(found))


@app.command("edit")
def edit_letter(
    job_id: _JobId,
    data: Annotated[str, typer.Option(help="JSON to merge into its data; @FILE, or -.")],
    reason: Reason = _BY_HAND,
    actor: Actor = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Change a letter's data for good, checked against its type; null removes a field."""
    with answer(as_json=as_json) as say:
        _load_types()
        changes = dead_letters.edit(
            job_id,
            arguments.json_object(data),
            by=acting(actor, reason),
            connection=default_connection(),
        )
        found = {"success": True, "changes": dead_letters.as_changes(changes)}
        say(found, letters.changes_text(job_id, changes))


@app.command("replay")
def replay_letters(  # noqa: PLR0913, PLR0917 - one parameter an option of the command
    job_id: _MaybeJobId = None,
    data: changing.Data = None,
    priority: changing.Priority = None,
    attempts: changing.Attempts = None,
    backoff: changing.Backoff = None,
    timeout: changing.Timeout = None,
    to_queue: changing.ToQueue = None,
    every: _All = False,  # noqa: FBT002
    message_type: _Type = None,
    queue: _Queue = None,
    why: _Why = None,
    error: _Text = None,
    since: _Since = None,
    until: _Until = None,
    rate: Annotated[str | None, typer.Option(metavar="N/s", help="How many a second.")] = None,
    dry_run: _DryRun = False,  # noqa: FBT002
    reason: Reason = _BY_HAND,
    actor: Actor = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Send one letter's message again, perhaps mended, or all letters of a filter."""
    with answer(as_json=as_json) as say:
        _load_types()
        wanted = letters_like(message_type, queue, why, error, since, until)
        options = changing.new_options(
            priority=priority,
            attempts=attempts,
            backoff=backoff,
            timeout=timeout,
            to_queue=to_queue,
        )
        by = acting(actor, reason)
        if _is_bulk(job_id, every=every, wanted=wanted, other=(rate, dry_run)):
            if data is not None or options:
                raise _conflict("--all replays letters as they are.", "Edit them, or replay one.")
            bulk = _replay_all(wanted, arguments.rate(rate), by, dry_run=dry_run, quiet=as_json)
            told = letters.dry_text("replay", bulk) if dry_run else letters.replayed_text(bulk)
            say(list(bulk.job_ids), told)
            _tell_of_refused(bulk)
        else:
            new_id = _replay_one(str(job_id), data, options, by)
            found = {"success": True, "newJobId": new_id}
            say(found, f"Replayed {job_id} as job {new_id}: `postroom job {new_id}`.")


@app.command("purge")
def purge_letters(  # noqa: PLR0913, PLR0917 - one parameter an option of the command
    job_id: _MaybeJobId = None,
    every: _All = False,  # noqa: FBT002
    message_type: _Type = None,
    queue: _Queue = None,
    why: _Why = None,
    error: _Text = None,
    since: _Since = None,
    until: _Until = None,
    dry_run: _DryRun = False,  # noqa: FBT002
    reason: Reason = _BY_HAND,
    actor: Actor = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Remove one letter for good, or all letters of a filter."""
    with answer(as_json=as_json) as say:
        wanted = letters_like(message_type, queue, why, error, since, until)
        by, connection = acting(actor, reason), default_connection()
        if not _is_bulk(job_id, every=every, wanted=wanted, other=(dry_run,)):
            dead_letters.purge(str(job_id), by=by, connection=connection)
            say({"success": True, "jobId": job_id}, f"Purged the dead letter of job {job_id}.")
        elif dry_run:
            bulk = dead_letters.dry_purge(wanted, connection=connection)
            say(list(bulk.job_ids), letters.dry_text("purge", bulk))
        else:
            with progress_bar("Purging", shown=not as_json) as tell:
                bulk = dead_letters.purge_all(wanted, by=by, progress=tell, connection=connection)
            say(list(bulk.job_ids), letters.purged_text(bulk))


@app.command("export")
def export_letters(  # noqa: PLR0913, PLR0917 - one parameter an option of the command
    file: Annotated[str, typer.Argument(metavar="FILE", help="- is standard output.")] = "-",
    message_type: _Type = None,
    queue: _Queue = None,
    why: _Why = None,
    error: _Text = None,
    since: _Since = None,
    until: _Until = None,
    reason: Reason = _BY_HAND,
    actor: Actor = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Write letters to a new file, one JSON object a line, secrets included."""
    with answer(as_json=as_json) as say:
        wanted = letters_like(message_type, queue, why, error, since, until)
        lines = dead_letters.export_letters(
            wanted, by=acting(actor, reason), connection=default_connection()
        )
        with progress_bar("Exporting", shown=not as_json) as tell:
            count = write_lines(_counted(lines, tell), file)
        if file != "-":
            say({"success": True, "exported": count}, f"Exported {count:,} to {file}.")


@app.command("import")
def import_letters(
    file: Annotated[str, typer.Argument(metavar="FILE", help="- is standard input.")],
    reason: Reason = _BY_HAND,
    actor: Actor = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Bring letters back from an export or a spill file; those that are there are skipped."""
    with answer(as_json=as_json) as say:
        with lines_of(file) as lines, progress_bar("Importing", shown=not as_json) as tell:
            found = dead_letters.import_letters(
                lines,
                by=acting(actor, reason),
                progress=tell,
                connection=default_connection(),
            )
        counts = {"success": not found.refused, **dead_letters.as_counts(found)}
        say(counts, letters.import_text(found))
    if found.refused:
        raise SystemExit(_NOT_ALL)


def _load_types() -> None:
    load_packages(load_settings().message_packages, setting="MESSAGE_PACKAGES")


def _is_bulk(job_id: str | None, *, every: bool, wanted: Filter, other: Sequence[object]) -> bool:
    if (job_id is None) != every:
        raise _conflict("Either one job or --all is meant.", "Give a JOB_ID, or --all.")
    if not every and (wanted.described() or any(other)):
        raise _conflict("The filters, --rate and --dry-run go with --all.", "Leave out JOB_ID.")
    return every


def _conflict(what: str, remedy: str) -> PostroomError:
    return InvalidOption(what, field="job_id", remedy=remedy)


def _replay_one(job_id: str, data: str | None, options: ReplayOptions, by: By) -> str:
    return dead_letters.replay(
        job_id,
        data=changing.new_data(data),
        by=by,
        connection=default_connection(),
        **options,
    )


def _replay_all(wanted: Filter, rate: float | None, by: By, *, dry_run: bool, quiet: bool) -> Bulk:
    if dry_run:
        return dead_letters.dry_replay(wanted, connection=default_connection())
    with progress_bar("Replaying", shown=not quiet) as tell:
        return dead_letters.replay_all(
            wanted,
            rate=rate,
            by=by,
            progress=tell,
            connection=default_connection(),
        )


def _tell_of_refused(bulk: Bulk) -> None:
    if bulk.refused:
        sys.stderr.write(letters.refusals_text(bulk.refused) + "\n")
        raise SystemExit(_NOT_ALL)


def _counted(lines: Iterable[str], tell: Tell) -> Iterator[str]:
    for count, line in enumerate(lines, 1):
        yield line
        tell(count, None)
