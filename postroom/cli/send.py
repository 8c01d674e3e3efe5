"""`postroom send TYPE --data ...`: send one message from the shell."""

from typing import Annotated, Any

import typer

from messages import new_message
from postroom import arguments
from postroom.printing import answer
from workers import EnqueueOptions, enqueue, load_settings
from workers.loading import load_packages


def send(  # noqa: PLR0913, PLR0917 - one parameter an option of the command
    message_type: Annotated[str, typer.Argument(metavar="TYPE", help="Such as EMAIL.")],
    data: Annotated[
        str, typer.Option(help="The data object as JSON, @file to read it, - for standard input.")
    ],
    queue: Annotated[str | None, typer.Option(help="Instead of the routed one.")] = None,
    delay: Annotated[float | None, typer.Option(help="Seconds to wait first.")] = None,
    attempts: Annotated[int | None, typer.Option(help="Starts in all, from 1.")] = None,
    priority: Annotated[
        str | None, typer.Option(help="high, normal, low, or 1 (most urgent) to 10.")
    ] = None,
    timeout: Annotated[float | None, typer.Option(help="Seconds one attempt may take.")] = None,
    unique_key: Annotated[str | None, typer.Option(help="At most one such job at a time.")] = None,
    user_id: Annotated[str | None, typer.Option(help="Who sends it.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Whom it belongs to.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,  # noqa: FBT002
) -> None:
    """Check a message, store it, and print its job's id."""
    with answer(as_json=as_json) as say:
        load_packages(load_settings().message_packages, setting="MESSAGE_PACKAGES")
        envelope: dict[str, Any] = {"userId": user_id} if user_id else {}
        if tenant:
            envelope["metadata"] = {"tenant": tenant}
        message = new_message(message_type, arguments.json_object(data), **envelope)
        options = _options(
            queue=queue,
            delay=delay,
            attempts=attempts,
            priority=arguments.priority(priority),
            timeout=timeout,
            unique_key=unique_key,
        )
        handle = enqueue(message, **options)
        say({"success": True, "jobId": handle.id}, f"Sent {message_type} as job {handle.id}")


def _options(**given: Any) -> EnqueueOptions:
    # Any: the values come from the command line and are checked by enqueue.
    chosen: Any = {name: value for name, value in given.items() if value is not None}
    options: EnqueueOptions = chosen
    return options
