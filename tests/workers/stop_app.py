"""An application whose handlers take long, each with its own answer to somebody who stops it.

Those of TEST messages are `def`, and those of NOTE_ENRICHMENT messages `async def`.
"""

import asyncio
import os
import time
from contextlib import suppress

from messages import NoteEnrichmentMessage, TestMessage
from tests.workers.traces import note
from workers import Context, JobStopped, handles

LONG = 30.0  # seconds; no test waits for them


@handles(TestMessage)
def do_as_asked(message: TestMessage, context: Context) -> int:
    kind = message.data.test_type
    note(f"{kind}: began")
    match kind:
        case "work":
            work()
        case "ask":
            ask(context)
        case "ask and fail":
            ask(context)
            raise ValueError
        case "swallow":
            with suppress(JobStopped):
                nap(LONG)
        case "ignore":
            ignore()
        case "nap":
            nap(float(str(message.data.payload.new_value)))
        case _:
            time.sleep(0.003)
    note(f"{kind}: ended")
    return os.getpid()


def work() -> None:
    try:
        with suppress(Exception):
            nap(LONG)
        note("work: went on")
    finally:
        note("work: cleaned up")


def ask(context: Context) -> None:
    until = time.monotonic() + LONG
    while not context.cancelled() and time.monotonic() < until:
        time.sleep(0.01)


def ignore() -> None:
    until = time.monotonic() + LONG
    while time.monotonic() < until:
        with suppress(JobStopped):
            nap(LONG)


def nap(seconds: float) -> None:
    # A thread is interrupted between two steps of its Python code, and not in a long one.
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.01)


@handles(NoteEnrichmentMessage)
async def await_as_asked(message: NoteEnrichmentMessage, context: Context) -> None:
    kind = message.data.note_id
    note(f"{kind}: began")
    try:
        await asyncio.sleep(LONG if kind == "await" else 0.4)
    except asyncio.CancelledError:
        note(f"{kind}: was cancelled, {context.cancelled()}")
        await asyncio.sleep(0.01)
        note(f"{kind}: cleaned up")
        raise
    note(f"{kind}: ended")
