"""A Redis server in this process, for one test. It runs the scripts of production in real Lua."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import fakeredis
from typing_extensions import override

from workers.connection import Source, separate_server
from workers.errors import WaitTimeout


class MemoryClient(fakeredis.FakeRedis):
    """A client of it. Who waits for a job has the jobs run: there is no worker beside the test.

    Args:
        work: Runs what is due and says whether there was anything.
        options: Of fakeredis.
    """

    def __init__(self, work: Callable[[], bool], **options: Any) -> None:
        super().__init__(**options)
        self._work = work

    @override
    def xread(  # type: ignore[override]  # without what newer versions of redis-py added
        self, streams: Any, count: int | None = None, block: int | None = None
    ) -> Any:
        """As redis-py, but run jobs instead of waiting.

        Raises:
            WaitTimeout: If nothing is due, so that waiting would not end.
        """
        if block is not None and not self._work():
            raise _endless()
        return super().xread(streams, count=count)


class AsyncMemoryClient(fakeredis.FakeAsyncRedis):
    """As `MemoryClient`, for asyncio."""

    def __init__(self, work: Callable[[], bool], **options: Any) -> None:
        super().__init__(**options)
        self._work = work

    @override
    async def xread(  # type: ignore[override]  # as above
        self, streams: Any, count: int | None = None, block: int | None = None
    ) -> Any:
        """As `MemoryClient.xread`; the jobs run in a thread beside the loop."""
        if block is not None and not await asyncio.to_thread(self._work):
            raise _endless()
        return await super().xread(streams, count=count)


@contextmanager
def memory_server(work: Callable[[], bool]) -> Iterator[MemoryClient]:
    """Start an empty server that every new client of this process reaches.

    Args:
        work: What `MemoryClient` does instead of waiting.

    Yields:
        A client of it.
    """
    server = fakeredis.FakeServer()
    with MemoryClient(work, server=server) as client:
        source = Source(
            connect=lambda: client,
            aconnect=lambda: AsyncMemoryClient(work, server=server),
        )
        with separate_server(source):
            yield client


def _endless() -> WaitTimeout:
    return WaitTimeout(
        "A job is waited for, and none is due in this test.",
        remedy="Move time with postroom.advance(...), or give the message a handler.",
    )
