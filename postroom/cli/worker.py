"""`postroom worker`: run one worker or several."""

from typing import Annotated

import typer

from postroom.acting import ErrorsAsJson
from postroom.pool import run_workers
from postroom.printing import answer
from workers import load_settings


def worker(
    queues: Annotated[
        list[str] | None, typer.Argument(help="Most urgent first; else the setting QUEUES.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=1_000, help="How many processes.")] = 1,
    burst: Annotated[bool, typer.Option("--burst", help="End when nothing waits.")] = False,  # noqa: FBT002
    as_json: ErrorsAsJson = False,  # noqa: FBT002
) -> None:
    """Run workers until SIGTERM or Ctrl-C; what runs is finished first."""
    with answer(as_json=as_json):
        settings = load_settings()
        run_workers(queues or list(settings.queues), settings, count=count, burst=burst)
