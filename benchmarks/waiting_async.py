"""The same as `waiting_def`, as `async def`."""

import asyncio

from benchmarks.plan import WAIT_SECONDS
from messages import TestMessage
from workers import handles


@handles(TestMessage)
async def wait(message: TestMessage) -> None:
    """Wait.

    Args:
        message: The message.
    """
    del message
    await asyncio.sleep(WAIT_SECONDS)
