"""`postroom logs`: what workers wrote, and what a job's handler logged."""

import json
import os
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from itertools import takewhile
from pathlib import Path
from typing import Annotated

import typer
from redis import Redis

from monitoring.jobs import get_job_status
from postroom.columns import printable
from postroom.log_files import LogUnreadable, followed_lines, written_lines
from postroom.log_lines import Entry, for_people, has, parse_conditions, parse_line
from postroom.printing import answer
from postroom.signals import end_on_signal
from workers import job_log
from workers.connection import connect, storage_errors
from workers.settings import load_settings

_ASK_EVERY = 0.5  # seconds between two looks at a job's log
_OVER = frozenset({"finished", "failed", "canceled", "stopped"})


def logs(  # noqa: PLR0913, PLR0917 - one parameter an option of the command
    job_id: Annotated[
        str | None, typer.Option("--job", metavar="ID", help="What this job's handler logged.")
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Only lines with this value; may be repeated."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="The log to read; LOG_FILE if it is left out.")
    ] = None,
    lines: Annotated[
        int | None, typer.Option("--lines", "-n", min=1, help="Only the last so many lines.")
    ] = None,
    follow: Annotated[  # noqa: FBT002
        bool, typer.Option("--follow", "-f", help="Go on with what is written from now on.")
    ] = False,
    as_json: Annotated[  # noqa: FBT002
        bool, typer.Option("--json", help="One JSON object a line.")
    ] = False,
) -> None:
    """Show the log of the workers, or of one job: all of it, or the lines with certain values.

    With --job they are what its handler wrote with `context.log` and `context.progress`, kept in
    Redis as long as the job; --job with --file shows the job's lines of that file.
    """
    with answer(as_json=as_json):
        wanted = dict(parse_conditions(where or ()))
        if follow:
            end_on_signal()
        if job_id is not None and file is None:
            found = _of_job(job_id, wanted, last=lines, follow=follow)
        else:
            wanted |= {"job_id": job_id} if job_id is not None else {}
            found = _of_file(file or _log_file(), wanted, last=lines, follow=follow)
        if not _print(found, as_json=as_json) and not as_json:
            sys.stderr.write("postroom: There are no such lines.\n")


def _log_file() -> Path:
    path = load_settings().log_file
    if path is None:
        raise LogUnreadable(
            "No log file is set, so the workers write to their standard error only.",
            field="LOG_FILE",
            remedy=(
                "Set LOG_FILE, such as LOG_FILE=rq.log, for the workers and for this command and "
                "start the workers again; or read a file with --file FILE, or what one job logged "
                "with --job ID."
            ),
        )
    return path


def _of_file(
    path: Path, wanted: Mapping[str, str], *, last: int | None, follow: bool
) -> Iterator[Entry]:
    source = followed_lines(path) if follow else written_lines(path)
    return _cut(_matching(source, path, wanted), last)


def _matching(
    source: Iterable[str | None], path: Path, wanted: Mapping[str, str]
) -> Iterator[Entry | None]:
    read = understood = 0
    for line in source:
        if line is None:
            yield None
            continue
        entry = parse_line(line)
        read += 1
        understood += entry is not None
        if entry is not None and has(entry, wanted):
            yield entry
        elif entry is None and not wanted:  # such as what a library printed
            yield {"message": line}
    if wanted and read and not understood:
        raise LogUnreadable(
            f"{path} has no line of JSON, so there are no values to compare.",
            field="where",
            remedy="Name the LOG_FILE of a worker, which is JSON; LOG_FORMAT does not change it.",
        )


def _of_job(
    job_id: str, wanted: Mapping[str, str], *, last: int | None, follow: bool
) -> Iterator[Entry]:
    with closing(connect(load_settings())) as connection:
        source = _from_redis(job_id, connection, follow=follow)
        chosen = (entry for entry in source if entry is None or has(entry, wanted))
        yield from _cut(chosen, last)


def _from_redis(job_id: str, connection: Redis, *, follow: bool) -> Iterator[Entry | None]:
    seen = 0
    while True:
        # Asked before the lines are read: the last ones are written before a job is over.
        status = get_job_status(job_id, connection=connection)["status"]
        with storage_errors():
            found = job_log.lines(job_id, after=seen, connection=connection)
        for line in found:
            yield {"number": line.number, **line.entry}
            seen = line.number
        if not follow or status in _OVER:
            return
        yield None
        time.sleep(_ASK_EVERY)


def _cut(entries: Iterable[Entry | None], last: int | None) -> Iterator[Entry]:
    """Of what is there the last lines, and then all that comes: None stands between."""
    source = iter(entries)
    there = takewhile(lambda entry: entry is not None, source)
    yield from (entry for entry in (there if last is None else deque(there, maxlen=last)) if entry)
    yield from (entry for entry in source if entry)


def _print(entries: Iterable[Entry], *, as_json: bool) -> int:
    """Returns how many lines were printed."""
    colours, count = sys.stdout.isatty(), 0
    try:
        for count, entry in enumerate(entries, 1):  # noqa: B007 - asked for below
            if as_json:
                sys.stdout.write(json.dumps(entry, ensure_ascii=False) + "\n")
            elif entry.keys() == {"message"}:
                typer.echo(printable(str(entry["message"])))
            else:
                typer.echo(for_people(entry, colours=colours))
            sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return count
