"""`postroom streams`: publish, look, mend, and run workers."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from messages import new_message
from monitoring.streams import SyncStreams
from monitoring.streams.listing import get_streams
from monitoring.words import number
from postroom import arguments, stream_views
from postroom.acting import Actor, AsJson, ErrorsAsJson, Reason, acting
from postroom.printing import answer
from postroom.stream_pool import run_stream_workers
from workers import PublishOptions, load_settings, publish
from workers.connection import connection_for
from workers.loading import load_packages
from workers.streams import actions
from workers.streams.known import search
from workers.streams.naming import Naming
from workers.streams.trimming import KEPT_DONE

app = typer.Typer(help="Publish to streams, look at them, mend them, work.", no_args_is_help=True)


_Name = Annotated[str, typer.Argument(metavar="NAME", help="The stream's key.")]
_Group = Annotated[str | None, typer.Option("--group", help="Else STREAM_GROUP.")]


@app.command("publish")
def publish_message(  # noqa: PLR0913, PLR0917 - one parameter an option of the command
    message_type: Annotated[str, typer.Argument(metavar="TYPE", help="Such as MESSAGE_SCAN.")],
    data: Annotated[
        str, typer.Option(help="The data object as JSON, @file to read it, - for standard input.")
    ],
    stream: Annotated[
        str | None, typer.Option(help="Its name; else what the type or STREAM_TEMPLATE says.")
    ] = None,
    priority: Annotated[
        str | None, typer.Option(help="high, normal, low, or 1 (most urgent) to 10.")
    ] = None,
    delay: Annotated[float | None, typer.Option(help="Seconds to wait first.")] = None,
    user_id: Annotated[str | None, typer.Option(help="Who sends it.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Whom it belongs to.")] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Check a message, add it to a stream, and print where it is."""
    with answer(as_json=as_json) as say:
        load_packages(load_settings().message_packages, setting="MESSAGE_PACKAGES")
        envelope: dict[str, Any] = {"userId": user_id} if user_id else {}
        if tenant:
            envelope["metadata"] = {"tenant": tenant}
        message = new_message(message_type, arguments.json_object(data), **envelope)
        chosen = {"stream": stream, "priority": arguments.priority(priority), "delay": delay}
        options: Any = {name: value for name, value in chosen.items() if value is not None}
        typed: PublishOptions = options
        found = publish(message, **typed)
        place = found.entry_id or "later"
        say(
            {"success": True, **asdict(found)},
            f"Published {message_type} {found.message_id} to {found.stream} ({place})",
        )


@app.command("list")
def list_streams(
    guild: Annotated[str | None, typer.Option("--guild", help="Only those of a guild.")] = None,
    look: Annotated[  # noqa: FBT002
        bool, typer.Option("--search", help="Look through all keys for streams of others first.")
    ] = False,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """List the streams: what waits, what is in hand, how full they are."""
    with answer(as_json=as_json) as say:
        settings = load_settings()
        if look:
            naming = Naming(settings.stream_template)
            search(settings.stream_patterns, naming, connection=connection_for(settings))
        found = get_streams(tenant=guild)
        say({"streams": found}, stream_views.listed(found))


@app.command("info")
def info(name: _Name, as_json: AsJson = False) -> None:  # noqa: FBT002
    """Show a stream with its groups and their consumers."""
    with answer(as_json=as_json) as say:
        found = SyncStreams().get_stream_info(name)
        say(found, stream_views.described(found))


@app.command("peek")
def peek(
    name: _Name,
    count: Annotated[int, typer.Option(help="How many, 1 to 200.")] = 10,
    oldest: Annotated[bool, typer.Option("--oldest", help="The oldest first.")] = False,  # noqa: FBT002
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Show entries, and how far each is; nothing is claimed."""
    with answer(as_json=as_json) as say:
        look = SyncStreams()
        found = look.peek_jobs(name, count, reverse=not oldest)
        if not found:
            hint = look.get_stream_info(name).get("hint", "All that was in this stream is gone.")
            say({"jobs": [], "hint": hint}, hint)
            return
        say({"jobs": found}, stream_views.peeked(found))


@app.command("pending")
def pending(name: _Name, group: _Group = None, as_json: AsJson = False) -> None:  # noqa: FBT002
    """Show what the consumers of a group have in hand."""
    with answer(as_json=as_json) as say:
        found = SyncStreams().get_pending_jobs_info(name, group)
        say(found, stream_views.in_hand(found))


@app.command("claim")
def claim(  # noqa: PLR0913, PLR0917 - one parameter an option of the command
    name: _Name,
    reason: Reason,
    consumer: Annotated[str | None, typer.Option("--consumer", help="Whose entries.")] = None,
    idle: Annotated[
        float | None, typer.Option("--idle", help="Only what nobody touched for so many seconds.")
    ] = None,
    group: _Group = None,
    actor: Actor = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Let living workers have the entries of consumers that are dead."""
    with answer(as_json=as_json) as say:
        count = actions.claim(
            name,
            group=group or load_settings().stream_group,
            consumer=consumer,
            idle=idle,
            by=acting(actor, reason),
        )
        text = f"{number(count, 'entry', 'entries')} may be claimed by any worker now."
        say({"success": True, "claimed": count}, text)


@app.command("trim")
def trim(
    name: _Name,
    reason: Reason,
    keep: Annotated[int, typer.Option("--keep", help="Newest entries that stay.")] = KEPT_DONE,
    actor: Actor = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Remove entries that every group has finished, and no others."""
    with answer(as_json=as_json) as say:
        count = actions.trim(name, keep=keep, by=acting(actor, reason))
        text = f"{number(count, 'entry', 'entries')} removed, all of them done."
        say({"success": True, "trimmed": count}, text)


@app.command("delete-consumer")
def delete_consumer(  # noqa: PLR0913, PLR0917 - one parameter an option of the command
    name: _Name,
    consumer: Annotated[str, typer.Argument(metavar="CONSUMER", help="One that is dead.")],
    reason: Reason,
    group: _Group = None,
    actor: Actor = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Remove a consumer; what it had is given to the others first."""
    with answer(as_json=as_json) as say:
        count = actions.delete_consumer(
            name,
            consumer,
            group=group or load_settings().stream_group,
            by=acting(actor, reason),
        )
        text = f"Removed {consumer}; {number(count, 'entry', 'entries')} of its may be claimed now."
        say({"success": True, "deleted": consumer, "claimed": count}, text)


@app.command("worker")
def worker(  # noqa: PLR0913, PLR0917 - one parameter an option of the command
    streams: Annotated[
        list[str] | None,
        typer.Option("--streams", help="A name, or a pattern with *; else STREAM_PATTERNS."),
    ] = None,
    group: Annotated[
        str | None, typer.Option("--group", help="The consumer group; else STREAM_GROUP.")
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option("--concurrency", min=1, max=1_000, help="Messages at once; else CONCURRENCY."),
    ] = None,
    count: Annotated[
        int, typer.Option("--count", min=1, max=1_000, help="How many processes.")
    ] = 1,
    burst: Annotated[bool, typer.Option("--burst", help="End when nothing waits.")] = False,  # noqa: FBT002
    as_json: ErrorsAsJson = False,  # noqa: FBT002
) -> None:
    """Run workers of streams until SIGTERM or Ctrl-C; what runs is finished first."""
    with answer(as_json=as_json):
        settings = load_settings()
        if concurrency is not None:
            settings = settings.model_copy(update={"concurrency": concurrency})
        run_stream_workers(
            streams or list(settings.stream_patterns),
            group or settings.stream_group,
            settings,
            count=count,
            burst=burst,
        )
