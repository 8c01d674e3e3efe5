"""A client of a stream that leaves, at whatever moment."""

import asyncio
from contextlib import suppress

import pytest

from monitoring.live_looks import QUEUES
from monitoring.live_watchers import Watcher


@pytest.mark.parametrize("turns", range(5))
def test_a_client_that_leaves_just_when_there_is_news_is_let_go(turns: int) -> None:
    async def left() -> bool:
        watcher = Watcher(QUEUES, seconds=60)
        frames = watcher.frames(60)
        await anext(frames)
        writing = asyncio.create_task(_send_all(frames))
        await asyncio.sleep(0)
        watcher.offer(b"news")
        for _ in range(turns):  # of the event loop, until the client has gone
            await asyncio.sleep(0)
        writing.cancel()
        await asyncio.wait([writing], timeout=1)
        watcher.close()
        is_over = writing.done()
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing
        return is_over

    assert asyncio.run(left())


async def _send_all(frames) -> None:
    async for _ in frames:
        pass
