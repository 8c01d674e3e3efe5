"""`postroom failures`: failures by kind: look, mute, mark as mended, replay what died of them."""

import sys
from typing import Annotated

import typer

from monitoring.failures import MOST_GROUPS, MOST_HOURS, get_failure_group, get_failure_groups
from postroom import arguments, letters
from postroom.acting import Actor, AsJson, Reason, acting
from postroom.failure_views import group_page, groups_table
from postroom.printing import answer
from postroom.progress import progress_bar
from workers import failure_groups, load_settings
from workers.loading import load_packages

app = typer.Typer(help="Failures by kind: what fails, since when, in which releases.")

_NOT_ALL = 1  # the exit code where a part of the work was refused

_DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say which; the run takes these.")]
_Fingerprint = Annotated[str, typer.Argument(metavar="FINGERPRINT", help="As `list` shows it.")]


@app.command("list")
def list_groups(  # noqa: PLR0913, PLR0917 - one parameter an option of the command
    state: Annotated[
        str | None, typer.Option(help="Only open, reopened, muted or fixed ones.")
    ] = None,
    queue: Annotated[str | None, typer.Option(help="Only those of this queue.")] = None,
    message_type: Annotated[str | None, typer.Option("--type", help="Only of this type.")] = None,
    sort: Annotated[str, typer.Option(help="By the last or first failure, or count.")] = "last",
    limit: Annotated[int, typer.Option(min=1, max=MOST_GROUPS, help="How many.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Go on where the last list ended.")] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """List the kinds of failures, the newest first."""
    with answer(as_json=as_json) as say:
        found = get_failure_groups(
            state=state,  # type: ignore[arg-type]  # checked where it is used, like the next one
            queue=queue,
            message_type=message_type,
            sort=sort,  # type: ignore[arg-type]
            limit=limit,
            cursor=cursor,
        )
        say(found, groups_table(found))


@app.command("show")
def show_group(
    fingerprint: _Fingerprint,
    hours: Annotated[int, typer.Option(min=1, max=MOST_HOURS, help="Of the trend.")] = 24,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Show one kind: its trend, its releases, and jobs that failed like that."""
    with answer(as_json=as_json) as say:
        found = get_failure_group(fingerprint, hours=hours)
        say(found, group_page(found))


@app.command("mute")
def mute(
    fingerprint: _Fingerprint,
    reason: Reason,
    actor: Actor = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Leave a kind out of what asks for attention, until it is unmuted."""
    with answer(as_json=as_json) as say:
        done = failure_groups.mute(fingerprint, by=acting(actor, reason))
        say(*_changed("Muted.", "It was muted already.", done=done))


@app.command("unmute")
def unmute(
    fingerprint: _Fingerprint,
    reason: Reason,
    actor: Actor = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Open a kind that was muted, or marked as mended by mistake."""
    with answer(as_json=as_json) as say:
        done = failure_groups.unmute(fingerprint, by=acting(actor, reason))
        say(*_changed("Open.", "It was open already.", done=done))


@app.command("fixed")
def mark_fixed(
    fingerprint: _Fingerprint,
    version: Annotated[str, typer.Option("--in", metavar="VERSION", help="As CODE_VERSION.")],
    reason: Reason,
    actor: Actor = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Say which release mends it; it opens by itself if it fails there, or in a later one."""
    with answer(as_json=as_json) as say:
        done = failure_groups.mark_fixed(fingerprint, version, by=acting(actor, reason))
        say(*_changed(f"Marked as mended in {version}.", "That was said already.", done=done))


@app.command("replay")
def replay(  # noqa: PLR0913, PLR0917 - one parameter an option of the command
    fingerprint: _Fingerprint,
    reason: Reason,
    most: Annotated[int | None, typer.Option("--trial", min=1, help="Only so many.")] = None,
    rate: Annotated[str | None, typer.Option(metavar="N/s", help="How many a second.")] = None,
    dry_run: _DryRun = False,  # noqa: FBT002
    actor: Actor = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Send the messages again that died of it, the oldest first."""
    with answer(as_json=as_json) as say:
        load_packages(load_settings().message_packages, setting="MESSAGE_PACKAGES")
        by, speed = acting(actor, reason), arguments.rate(rate)
        if dry_run:
            bulk = failure_groups.dry_replay(fingerprint, most=most)
            say(list(bulk.job_ids), letters.dry_text("replay", bulk))
        else:
            with progress_bar("Replaying", shown=not as_json) as tell:
                bulk = failure_groups.replay(
                    fingerprint, most=most, rate=speed, by=by, progress=tell
                )
            say(list(bulk.job_ids), letters.replayed_text(bulk))
        if bulk.refused:
            sys.stderr.write(letters.refusals_text(bulk.refused) + "\n")
            raise SystemExit(_NOT_ALL)


def _changed(now: str, before: str, *, done: bool) -> tuple[dict[str, bool], str]:
    return {"success": True, "changed": done}, now if done else before
