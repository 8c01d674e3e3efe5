"""What a retry or a replay may do otherwise than before: the options, and what they mean."""

from typing import Annotated, Any

import typer

from postroom import arguments
from workers.dead_letters import ReplayOptions

Data = Annotated[str | None, typer.Option(help="JSON to merge into its data; @FILE, or -.")]
Priority = Annotated[str | None, typer.Option(help="high, normal, low, or 1 to 10.")]
Attempts = Annotated[int | None, typer.Option(help="Starts in all, from 1.")]
Backoff = Annotated[
    str | None,
    typer.Option(help="exponential:2 or fixed:30, in s; of each a random part is waited."),
]
Timeout = Annotated[float | None, typer.Option(help="Seconds one attempt may take.")]
ToQueue = Annotated[str | None, typer.Option(help="Another queue than before.")]


def new_data(text: str | None) -> dict[str, Any] | None:
    """What `--data` changes.

    Args:
        text: What was written; None stays None.

    Raises:
        InvalidMessage: If it is no JSON object.
    """
    return None if text is None else arguments.json_object(text)


def new_options(
    *,
    priority: str | None,
    attempts: int | None,
    backoff: str | None,
    timeout: float | None,
    to_queue: str | None,
) -> ReplayOptions:
    """The options that were given.

    Args:
        priority: `--priority`, like all that follow; None if it was left out.
        attempts: From 1.
        backoff: As `arguments.backoff` reads it.
        timeout: Seconds, from 1.
        to_queue: A queue's name.

    Raises:
        InvalidOption: If the back-off cannot be read; the others are checked where they are used.
    """
    given = {
        "priority": arguments.priority(priority),
        "attempts": attempts,
        "backoff": arguments.backoff(backoff),
        "timeout": timeout,
        "queue": to_queue,
    }
    # Any: the values come from the command line and are checked by the retry.
    chosen: Any = {name: value for name, value in given.items() if value is not None}
    options: ReplayOptions = chosen
    return options
