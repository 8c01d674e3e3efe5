"""A progress bar for long work, where a person looks on."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Tell = Callable[[int, int | None], object]
"""Told how much is done, and how much there is if that is known."""


@contextmanager
def progress_bar(title: str, *, shown: bool = True) -> Iterator[Tell]:
    """Show a bar on standard error while standard output is a terminal.

    Args:
        title: What goes on, in a word or two.
        shown: False never shows one, for answers in JSON.

    Yields:
        The function to tell.
    """
    if not (shown and sys.stdout.isatty()):
        yield lambda _done, _total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
