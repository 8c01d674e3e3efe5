"""`postroom prometheus`: one scrape, for who has no web process, such as a textfile collector."""

import sys
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated

import typer

from postroom.acting import ErrorsAsJson
from postroom.printing import answer
from workers.connection import default_connection
from workers.errors import InvalidOption


def prometheus(
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="A file that is replaced in one step."),
    ] = None,
    as_json: ErrorsAsJson = False,  # noqa: FBT002
) -> None:
    """Print what Prometheus would scrape: queues, workers, streams, and what has ended."""
    from monitoring.prometheus import render_metrics  # noqa: PLC0415 - no other command needs it

    with answer(as_json=as_json):
        text = render_metrics(connection=default_connection())
        if output is None:
            sys.stdout.write(text.decode())
        else:
            _replace(output, text)


def _replace(path: Path, text: bytes) -> None:
    # Whoever reads the file meanwhile must see the old one or the new one.
    try:
        with NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(text)
        written = Path(file.name)
        written.chmod(0o644)
        written.replace(path)
    except OSError as error:
        raise InvalidOption(
            f"{path} cannot be written: {error.strerror}.",
            field="--output",
            remedy="Name a file in a folder that exists and that you may write to.",
        ) from error
