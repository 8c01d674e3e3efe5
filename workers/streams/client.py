"""A consumer of streams without a worker: reads, runs nothing, acknowledges what it is told.

For programs that are no handlers. Who only wants to look takes `monitoring.streams.StreamMonitor`.
"""

import asyncio
from dataclasses import dataclass
from typing import Self, Unpack

import redis

from messages import InvalidMessage, Message
from workers.connection import connect, storage_errors
from workers.engine.away import Away
from workers.errors import InvalidOption, ReadOnlyClient
from workers.settings import Settings, load_settings
from workers.streams import consumers
from workers.streams.adding import Published
from workers.streams.addressing import PublishOptions
from workers.streams.entry import Entry, delivery_of
from workers.streams.hands import Holder
from workers.streams.leases import StreamLeases
from workers.streams.naming import Naming
from workers.streams.order import StreamOrder, StreamTurn
from workers.streams.publishing import publish
from workers.streams.served import Served

MOST_JOBS = 200
"""Entries that one call reads at most."""


@dataclass(frozen=True)
class ReadJob:
    """An entry that this consumer has in hand.

    Args:
        stream_name: The stream's key.
        message_id: The entry's id there.
        message: The message; None if it is none.
        error: What is wrong with it then.
    """

    stream_name: str
    message_id: str
    message: Message | None
    error: InvalidMessage | None = None


class StreamClient:
    """One consumer of a group, or a publisher that reads nothing.

    Args:
        consumer_group: The group; None makes a client that only publishes.
        consumer_name: The consumer, which nobody else may be; None likewise.
        connection: Where; None means the server that the settings name.
        settings: None means those of the environment.
        hold_seconds: For how long after a call it counts as alive. Whoever works longer on what it
            has read must call again before, or others claim it.
    """

    def __init__(
        self,
        consumer_group: str | None = None,
        consumer_name: str | None = None,
        *,
        connection: redis.Redis | None = None,
        settings: Settings | None = None,
        hold_seconds: float = 600.0,
    ) -> None:
        self._settings = settings or load_settings()
        self._connection = connection
        self._is_own = connection is None
        self._who = (consumer_group, consumer_name)
        self._seconds = hold_seconds
        self._leases: dict[str, StreamLeases] = {}

    async def connect(self) -> None:
        """Make a connection now, and not with the first call."""
        with storage_errors():
            await asyncio.to_thread(self._client().ping)

    async def disconnect(self) -> None:
        """Leave the group; what is still in hand may be claimed by others at once."""
        group, name = self._who
        if group is not None and name is not None and self._leases:
            await asyncio.to_thread(consumers.leave, group, [name], connection=self._client())
        if self._is_own and self._connection is not None:
            await asyncio.to_thread(self._connection.close)
            self._connection = None

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.disconnect()

    async def push_job(self, message: Message, **options: Unpack[PublishOptions]) -> Published:
        """Publish a message.

        Args:
            message: The message.
            options: See `PublishOptions`.

        Returns:
            Where it is; raises as `publish`.
        """
        client, settings = self._client(), self._settings
        return await asyncio.to_thread(
            lambda: publish(message, connection=client, settings=settings, **options)
        )

    async def read_jobs(self, stream_name: str, count: int = 1) -> list[ReadJob]:
        """Take entries: first what consumers left that are gone, then what nobody has had.

        Args:
            stream_name: The stream's key; the group is made where it is missing.
            count: How many at most, 1 to 200.

        Returns:
            What is this consumer's now; nothing if nothing waits.

        Raises:
            ReadOnlyClient: If the client was made without a group and a name.
            InvalidOption: If the count is not from 1 to 200.
        """
        if not 1 <= count <= MOST_JOBS:
            raise InvalidOption(
                f"count is {count}.", field="count", remedy=f"Use 1 to {MOST_JOBS}."
            )
        leases = self._leases_of(stream_name)
        with storage_errors():
            return await asyncio.to_thread(self._read, leases, stream_name, count)

    async def acknowledge_job(self, stream_name: str, message_id: str) -> bool:
        """Say that an entry is done.

        Args:
            stream_name: The stream's key.
            message_id: The entry's id.

        Returns:
            False if it is not in this consumer's hands: somebody else has it, or it was done.

        Raises:
            ReadOnlyClient: If the client was made without a group and a name.
        """
        leases = self._leases_of(stream_name)
        with storage_errors():
            return await asyncio.to_thread(leases.acknowledge, stream_name, message_id)

    def _read(self, leases: StreamLeases, stream: str, count: int) -> list[ReadJob]:
        leases.served.look_soon()
        leases.served.look()
        if stream not in leases.order.names:  # there is no such stream yet
            return []
        turns = (StreamTurn(stream, count, is_hot=False),)
        step = leases.step(leases.next_number(), count, (), turns)
        return [self._read_job(each) for each in step.leased if isinstance(each, Entry)]

    def _read_job(self, entry: Entry) -> ReadJob:
        try:
            message = delivery_of(entry, self._settings).read().message
        except InvalidMessage as error:
            return ReadJob(entry.list_name, entry.execution, None, error)
        return ReadJob(entry.list_name, entry.execution, message)

    def _leases_of(self, stream: str) -> StreamLeases:
        group, name = self._who
        if group is None or name is None:
            raise ReadOnlyClient("This client has no group and no name, so it may not take jobs.")
        if stream not in self._leases:
            client, order = self._client(), StreamOrder((1, 1, 1))
            naming, away = Naming(self._settings.stream_template), Away(name)
            served = Served([stream], group, naming, order, away, client, may_be_new=True)
            holder = Holder(group, name, self._seconds)
            self._leases[stream] = StreamLeases(holder, order, served, client)
        return self._leases[stream]

    def _client(self) -> redis.Redis:
        if self._connection is None:
            self._connection = connect(self._settings)
        return self._connection
