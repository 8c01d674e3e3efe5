"""A client of a stream that leaves, at whatever moment."""

import asyncio
from contextlib import suppress
from threading import Semaphore

import pytest

from monitoring.live.live import Live
from monitoring.live.looks import QUEUES, Look, Wanted
from monitoring.live.pace import Pace
from monitoring.live.watchers import MOST_WAITING, Watcher

LONG = 3_600.0


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


def test_the_looks_end_with_the_last_client_also_if_something_was_done_just_now() -> None:
    taken, wanted = Semaphore(0), []

    def look(what: Wanted) -> Look:
        wanted.append(what)
        taken.release()
        return Look({QUEUES: {"timestamp": "", "queues": []}})

    async def leave() -> int:
        live = Live(look, pace=Pace(seconds=LONG))
        with live.joined(QUEUES, seconds=LONG):
            await asyncio.to_thread(taken.acquire)
            await asyncio.sleep(0.05)  # it waits for the next look
            live.stir()
        for _ in range(5):
            await asyncio.sleep(0)
        return len(asyncio.all_tasks())

    assert asyncio.run(leave()) == 1
    assert len(wanted) == 1


def test_a_client_for_which_too_much_waits_is_given_up() -> None:
    async def offer() -> tuple[list[bool], bool]:
        watcher = Watcher(QUEUES, seconds=LONG)
        offered = [watcher.offer(b"x") for _ in range(MOST_WAITING + 1)]
        watcher.close()
        return offered, watcher.given_up.is_set()

    assert asyncio.run(offer()) == ([*[True] * MOST_WAITING, False], True)
