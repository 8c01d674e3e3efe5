"""`postroom streams`: publish, look, mend, and run workers."""

from typing import Annotated

import typer

from postroom.acting import ErrorsAsJson
from postroom.printing import answer
from postroom.stream_pool import run_stream_workers
from workers import load_settings

app = typer.Typer(help="Publish to streams, look at them, mend them, work.", no_args_is_help=True)


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
