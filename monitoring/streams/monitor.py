"""Looks at streams without touching them: nothing here claims, acknowledges or adds.

Names and results are those of requirement 000. A dict that is empty for a reason has a further key
`hint` that says it.
"""

from typing import Self, TypeVar

import redis
import redis.asyncio

from monitoring.streams import looks as stream_looks
from monitoring.streams.looks import Result
from monitoring.streams.reading import Plan, aanswered, answered
from workers import Settings, load_settings
from workers.connection import aconnect, connection_for, twin

T = TypeVar("T")


class SyncStreams:
    """The five looks, for code that may block.

    Args:
        connection: Where; None means the server that the settings name.
        settings: None means those of the environment.
    """

    def __init__(
        self, *, connection: redis.Redis | None = None, settings: Settings | None = None
    ) -> None:
        self._settings = settings or load_settings()
        self._connection = connection

    def peek_jobs(
        self,
        stream_name: str,
        count: int = 10,
        reverse: bool = True,  # noqa: FBT001, FBT002 - requirement 000 calls it with (.., 10, true)
    ) -> list[Result]:
        """As `StreamMonitor.peek_jobs`."""
        return self._look(stream_looks.peek(stream_name, count, self._settings, reverse=reverse))

    def get_pending_jobs_info(self, stream_name: str, consumer_group: str | None = None) -> Result:
        """As `StreamMonitor.get_pending_jobs_info`."""
        return self._look(stream_looks.pending(stream_name, consumer_group, self._settings))

    def get_guild_job_stats(self, guild_id: str) -> Result:
        """As `StreamMonitor.get_guild_job_stats`."""
        return self._look(stream_looks.guild(guild_id, self._settings))

    def list_streams_for_guild(self, guild_id: str) -> list[str]:
        """As `StreamMonitor.list_streams_for_guild`."""
        return self._look(stream_looks.streams_of(guild_id))

    def get_stream_info(self, stream_name: str) -> Result:
        """As `StreamMonitor.get_stream_info`."""
        return self._look(stream_looks.info(stream_name, self._settings))

    def _look(self, plan: Plan[T]) -> T:
        return answered(plan, self._connection or connection_for(self._settings))


class StreamMonitor:
    """The five looks, awaitable; `sync` has them as plain calls.

    Args:
        connection: Where; None means the server that the settings name.
        settings: None means those of the environment.
    """

    def __init__(
        self,
        *,
        connection: redis.asyncio.Redis | None = None,
        settings: Settings | None = None,
    ) -> None:
        self._settings = settings or load_settings()
        self._given = connection
        self._own: redis.asyncio.Redis | None = None
        self._twin: redis.Redis | None = None

    async def connect(self) -> None:
        """Make a connection now, and not with the first look.

        Raises:
            StorageUnavailable: If Redis does not answer.
            StorageRefused: If it answers, but does not let us look.
        """
        await self._look(stream_looks.reached())

    async def disconnect(self) -> None:
        """Close the connections, except for one that was given."""
        own, self._own = self._own, None
        same, self._twin = self._twin, None
        if own is not None:
            await own.aclose()
        if same is not None:
            same.close()

    @property
    def sync(self) -> SyncStreams:
        """The five looks as plain calls, at the same server.

        Raises:
            InvalidOption: If a connection was given that asks Sentinel where Redis is; make
                `SyncStreams` with a blocking one then.
        """
        if self._given is not None and self._twin is None:
            self._twin = twin(self._given)
        return SyncStreams(connection=self._twin, settings=self._settings)

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.disconnect()

    async def peek_jobs(
        self,
        stream_name: str,
        count: int = 10,
        reverse: bool = True,  # noqa: FBT001, FBT002 - requirement 000 calls it with (.., 10, true)
    ) -> list[Result]:
        """Some entries of a stream, and how far each is for the default group.

        Args:
            stream_name: The stream's key.
            count: How many at most, 1 to 200.
            reverse: Whether the newest come first.

        Returns:
            For each `stream_name`, `message_id`, `job_data`, `metadata`, and `state`: `waiting`,
            `done`, or `pending` with consumer, idle time in ms and deliveries. Nothing for a stream
            that does not exist; a list has no place for a hint, and `get_stream_info` has it.

        Raises:
            InvalidOption: If the count is not from 1 to 200.
        """
        return await self._look(
            stream_looks.peek(stream_name, count, self._settings, reverse=reverse)
        )

    async def get_pending_jobs_info(
        self, stream_name: str, consumer_group: str | None = None
    ) -> Result:
        """What the consumers of a group have in hand.

        Args:
            stream_name: The stream's key.
            consumer_group: None means STREAM_GROUP, or the only group there is.

        Returns:
            `total_pending`, `oldest_pending_id`, `newest_pending_id` and `consumers`; if nothing is
            in hand also `hint`, which says why.
        """
        return await self._look(stream_looks.pending(stream_name, consumer_group, self._settings))

    async def get_guild_job_stats(self, guild_id: str) -> Result:
        """All streams of a guild: what waits, what is in hand, and what came last.

        Args:
            guild_id: The guild; the tenant in the names of its streams.

        Returns:
            `guild_id`, `total_queued`, `total_pending`, `streams` and `recent_jobs`: at most five
            of each stream and twenty in all, the newest first. If the guild has no streams also
            `hint`.
        """
        return await self._look(stream_looks.guild(guild_id, self._settings))

    async def list_streams_for_guild(self, guild_id: str) -> list[str]:
        """The names of a guild's streams, sorted; those of three priorities are one.

        None for a guild to which nothing was published; a list has no place for a hint, and
        `get_guild_job_stats` has it.

        Args:
            guild_id: The guild.
        """
        return await self._look(stream_looks.streams_of(guild_id))

    async def get_stream_info(self, stream_name: str) -> Result:
        """A stream with its groups and their consumers; see `stream_info`.

        If there is no such stream, also `hint`, which names those that are called alike.

        Args:
            stream_name: The stream's key.
        """
        return await self._look(stream_looks.info(stream_name, self._settings))

    async def _look(self, plan: Plan[T]) -> T:
        return await aanswered(plan, self._connection())

    def _connection(self) -> redis.asyncio.Redis:
        if self._given is not None:
            return self._given
        if self._own is None:
            self._own = aconnect(self._settings)
        return self._own
