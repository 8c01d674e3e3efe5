"""MESSAGE_SCAN: index the messages of a guild's channel by author and by link."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field
from typing_extensions import override

from messages.base import Message, Payload
from messages.fields import Indexed, LogField

GuildPart = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\-]{1,100}$")]
"""An id that can be part of a stream's name."""


class MessageScanData(Payload):
    """Which messages of which channel."""

    guild_id: Annotated[GuildPart, LogField, Indexed]
    channel_id: Annotated[GuildPart, LogField, Indexed]
    message_ids: Annotated[tuple[GuildPart, ...], Field(strict=False, max_length=10_000)] = ()
    """None means the whole channel, from where the last scan ended."""


class MessageScanMessage(Message):
    """Notes who wrote how much, and which links were shared."""

    queue: ClassVar[str] = "guilds"
    job_types: ClassVar[tuple[str, ...]] = ("message_scan",)
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"guildId": "123", "channelId": "123-1"},
        {"guildId": "456", "channelId": "456-2", "messageIds": ["456-2-1", "456-2-3"]},
    )

    message_type: Literal["MESSAGE_SCAN"] = "MESSAGE_SCAN"
    data: MessageScanData

    @property
    @override
    def tenant(self) -> str:
        """The guild."""
        return self.data.guild_id

    @classmethod
    def of(cls, guild_id: str, channel_id: str, message_ids: Sequence[str] = ()) -> Self:
        """Build the message for one channel.

        Args:
            guild_id: The guild.
            channel_id: Its channel.
            message_ids: Which messages; none means all that were not scanned yet.
        """
        data = MessageScanData(
            guild_id=guild_id,
            channel_id=channel_id,
            # One id is a sequence too, of letters: the field refuses it.
            message_ids=message_ids if isinstance(message_ids, str) else tuple(message_ids),  # type: ignore[arg-type]
        )
        return cls(data=data)
