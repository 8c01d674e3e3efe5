"""The application of the tests, with an `async def` handler for the same behaviours."""

import asyncio
import os
import signal
import time

from messages import TestMessage
from tests.workers.traces import note, traces
from workers import Context, PermanentError, handles


@handles(TestMessage)
async def do_as_asked(message: TestMessage, context: Context) -> object:
    kind = message.data.test_type
    note(f"{kind}: {context.attempt} {time.time():.3f} {os.getpid()}")
    match kind:
        case "sleep":
            await asyncio.sleep(float(str(message.data.payload.new_value)))
            note(f"slept: {context.attempt}")
        case "cancelled":
            raise asyncio.CancelledError
        case "permanent":
            raise PermanentError("it will never work")
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "die once" if len(traces("die once")) == 1:
            os.kill(os.getpid(), signal.SIGKILL)
    return {"echo": kind, "attempt": context.attempt}
