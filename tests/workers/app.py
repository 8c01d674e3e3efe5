"""An application for the tests: one handler that does what the message's testType asks for."""

import os
import signal
import sys
import time
from datetime import timedelta

from typing_extensions import override

from messages import NoteEnrichmentMessage, TestMessage
from tests.workers.traces import note, traces
from workers import (
    Context,
    DeadLetter,
    PermanentError,
    ResourceUnavailable,
    TransientError,
    enqueue,
    handles,
    on,
    on_dead,
)


class UnspeakableError(Exception):
    """An error that cannot say what it is."""

    @override
    def __str__(self) -> str:
        raise ValueError


@handles(TestMessage)
def do_as_asked(message: TestMessage, context: Context) -> object:
    kind = message.data.test_type
    note(f"{kind}: {context.attempt} {time.time():.3f} {os.getpid()}")
    match kind:
        case "transient":
            raise TransientError("a blip")
        case "transient once" if context.attempt == 1:
            raise TransientError("a blip")
        case "resource":
            raise ResourceUnavailable("it is down")
        case "retry after":
            raise ResourceUnavailable("slow down", retry_after=timedelta(seconds=2))
        case "plain":
            raise KeyError("nobody classified this")
        case "permanent":
            raise PermanentError("it will never work")
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "die once" if len(traces("die once")) == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        case "die slowly":
            time.sleep(float(str(message.data.payload.new_value)))
            raise PermanentError("it will never work")
        case "sleep once" if len(traces("sleep once")) == 1:
            time.sleep(float(str(message.data.payload.new_value)))
        case "sleep":
            time.sleep(float(str(message.data.payload.new_value)))
            note(f"slept: {context.attempt}")
        case "exit":
            sys.exit(3)
        case "unspeakable":
            raise UnspeakableError
        case "progress":
            context.progress(0.5, "half of it")
        case "parent":
            child = enqueue(NoteEnrichmentMessage.of("note-1"), queue="nobody")
            return child.id
    return {"echo": kind, "attempt": context.attempt}


@on_dead(TestMessage)
def mourn(message: TestMessage, letter: DeadLetter) -> None:
    note(f"mourned {message.data.test_type}: {letter.reason}")


@on("worker_started")
def started(name: str) -> None:
    note(f"worker: {name}")
