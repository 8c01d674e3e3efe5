"""Starts everything, runs one of the three modes, and ends everything."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from pydantic import ValidationError
from rich.console import Console

from messages.errors import PostroomError
from postroom.demo.dev import show_logs
from postroom.demo.live import lively_stream
from postroom.demo.once import one_checked_round
from postroom.demo.surroundings import Surroundings, everything, everything_and_the_world
from postroom.settings import ShellSettings
from postroom.signals import end_on_signal
from workers.errors import setting_invalid

CANNOT_START = 2

_LOG_WIDTH = 200  # where there is no terminal whose width to keep to


def start(*, dev: bool, once: bool) -> int:
    """Run the demo until it is over, or until SIGTERM or Ctrl-C.

    Args:
        dev: Everything in the Procfile and its logs, without sample data or traffic.
        once: One checked round instead of a stream.

    Returns:
        The exit code; see `__main__`.
    """
    end_on_signal()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _LOG_WIDTH)
    try:
        shell = ShellSettings()
        if dev:
            with _told(everything(shell), console) as surroundings:
                show_logs(surroundings, console)
            return 1
        with _told(everything_and_the_world(shell), console) as surroundings:
            if not once:
                lively_stream(surroundings, console)
            seconds = shell.postroom_demo_deadline
            return 0 if one_checked_round(surroundings, console, seconds=seconds) else 1
    except (PostroomError, ValidationError) as error:
        known = setting_invalid(error) if isinstance(error, ValidationError) else error
        sys.stderr.write(f"postroom: {known}\n")
        return CANNOT_START


@contextmanager
def _told(
    surroundings: AbstractContextManager[Surroundings], console: Console
) -> Iterator[Surroundings]:
    with ExitStack() as stack:
        running = stack.enter_context(surroundings)
        server, names = running.server, [one.name for one in running.running.processes]
        address = server.url.rpartition("@")[2].removeprefix("redis://")
        console.print(f"Redis at {address} ({server.origin}); started {', '.join(names)}.")
        try:
            yield running
        finally:
            console.print("Ending; the workers may finish what they have in hand ...")
            stack.close()
            console.print("Everything has ended.")
