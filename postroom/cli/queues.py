"""`postroom queues`: list, pause, resume, clear."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer

from messages import message_types
from monitoring.queues.overview import get_overview
from monitoring.words import number
from postroom.acting import Actor, AsJson, Reason, acting
from postroom.columns import columns
from postroom.printing import answer
from postroom.progress import progress_bar
from workers import InvalidOption, clearing, load_settings
from workers.clearing import What
from workers.loading import load_packages
from workers.pauses import Kind, Pause, pause, pauses, resume

app = typer.Typer(help="List, pause, resume and clear queues.", no_args_is_help=True)

_Name = Annotated[str | None, typer.Argument(metavar="NAME", help="A queue.")]
_Type = Annotated[str | None, typer.Option("--type", help="A message type instead of a queue.")]
_Tenant = Annotated[str | None, typer.Option("--tenant", help="A tenant instead of a queue.")]


@app.command("list")
def list_queues(as_json: AsJson = False) -> None:  # noqa: FBT002
    """Show the queues, and what is paused by whom."""
    with answer(as_json=as_json) as say:
        found, paused = get_overview()["queues"], pauses()
        say(
            {"queues": found, "pauses": [asdict(each) for each in paused]},
            "\n\n".join([_queues(found), *_pauses(paused)]),
        )


@app.command("pause")
def pause_queue(  # noqa: PLR0913, PLR0917 - one parameter an option of the command
    reason: Reason,
    name: _Name = None,
    message_type: _Type = None,
    tenant: _Tenant = None,
    actor: Actor = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Start no new job of a queue, a message type or a tenant; what runs ends."""
    with answer(as_json=as_json) as say:
        kind, target = _target(name, message_type, tenant)
        changed = pause(kind, target, by=acting(actor, reason))
        used = _is_known(kind, target)
        text = f"Paused the {kind} {target}." if changed else f"The {kind} {target} was paused."
        doubt = _doubt(used=used, kind=kind)
        say({**_done(kind, target, changed=changed), "used": used}, text + doubt)


@app.command("resume")
def resume_queue(  # noqa: PLR0913, PLR0917 - one parameter an option of the command
    reason: Reason,
    name: _Name = None,
    message_type: _Type = None,
    tenant: _Tenant = None,
    actor: Actor = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """End a pause; what it held back goes to the front of its queue."""
    with answer(as_json=as_json) as say:
        kind, target = _target(name, message_type, tenant)
        released = resume(kind, target, by=acting(actor, reason))
        text = f"The {kind} {target} was not paused."
        if released is not None:
            text = f"Resumed the {kind} {target}"
            text += f"; {number(released, 'job')} came back to the front." if released else "."
        done = _done(kind, target, changed=released is not None)
        say({**done, "released": released or 0}, text)


@app.command("clear")
def clear_queue(  # noqa: PLR0913, PLR0917 - one parameter an option of the command
    name: Annotated[str, typer.Argument(help="A queue.")],
    reason: Reason,
    what: Annotated[What, typer.Argument(help="all is completed and failed.")] = "all",
    waiting: Annotated[  # noqa: FBT002
        bool, typer.Option("--waiting", help="Also those that wait. They are lost: they never ran.")
    ] = False,
    dry_run: Annotated[  # noqa: FBT002
        bool, typer.Option("--dry-run", help="Only show how many it would be.")
    ] = False,
    actor: Actor = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Remove completed and failed jobs; never running ones. Dead letters stay."""
    with answer(as_json=as_json) as say:
        by = acting(actor, reason)
        if dry_run:
            shown = clearing.dry_clear(name, what, waiting=waiting)
            say(*_would_go(name, shown))
            return
        with progress_bar("Clearing", shown=not as_json) as tell:
            removed = clearing.clear(name, what, waiting=waiting, by=by, progress=tell)
        counts = ", ".join(f"{count} {kind}" for kind, count in asdict(removed).items())
        text = f"Removed from {name}: {counts}.{_doubt(used=_is_used(name))}"
        say({"success": True, "removed": asdict(removed)}, text)


def _would_go(name: str, shown: clearing.Clearable) -> tuple[Mapping[str, Any], str]:
    counts = ", ".join(f"{count} {kind}" for kind, count in shown.counts.items())
    text = f"Would remove from {name}: {counts}.{_doubt(used=_is_used(name))}"
    found = {"found": dict(shown.counts), "sample": list(shown.sample)}
    return {"success": True, "dryRun": True, **found}, text


def _is_used(queue: str) -> bool:
    return queue in get_overview()["queues"]


def _is_known(kind: Kind, target: str) -> bool:
    if kind == "type":
        load_packages(load_settings().message_packages, setting="MESSAGE_PACKAGES")
        return target in message_types()
    return kind == "tenant" or _is_used(target)


def _doubt(*, used: bool, kind: Kind = "queue") -> str:
    if used:
        return ""
    unknown = "was never used" if kind == "queue" else "is not known here"
    return f" A {kind} of this name {unknown}: is it spelled right?"


def _target(name: str | None, message_type: str | None, tenant: str | None) -> tuple[Kind, str]:
    given: Sequence[tuple[Kind, str | None]] = (
        ("queue", name),
        ("type", message_type),
        ("tenant", tenant),
    )
    named = [(kind, text) for kind, text in given if text is not None]
    if len(named) != 1:
        raise InvalidOption(
            f"{len(named)} things are named.",
            field="name",
            remedy="Name one queue, or use --type T, or --tenant T.",
        )
    return named[0]


def _done(kind: Kind, target: str, *, changed: bool) -> Mapping[str, Any]:
    return {"success": True, "kind": kind, "name": target, "changed": changed}


def _queues(found: Mapping[str, Any]) -> str:
    rows = [
        (
            name,
            queue["waiting"],
            queue["held"],
            queue["active"],
            queue["delayed"],
            queue["failed"],
            queue["completed"],
            queue["workers"],
            "paused" if queue["paused"] else "-",
        )
        for name, queue in found.items()
    ]
    header = ("QUEUE", "WAITING", "HELD", "ACTIVE", "DELAYED", "FAILED", "DONE", "WORKERS")
    return columns((*header, "STATE"), rows)


def _pauses(paused: Sequence[Pause]) -> Sequence[str]:
    if not paused:
        return ()
    rows = [
        (each.kind, each.name, each.held, each.at[:19].replace("T", " "), each.actor, each.reason)
        for each in paused
    ]
    return [columns(("PAUSED", "NAME", "HELD BACK", "SINCE (UTC)", "BY", "WHY"), rows)]
