"""THUMBNAIL_RETRY: render the thumbnails of a channel's images that failed before."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field
from typing_extensions import override

from messages.base import Message, Payload
from messages.fields import Indexed, LogField
from messages.message_scan import GuildPart


class ThumbnailRetryData(Payload):
    """The images of which messages of which channel."""

    guild_id: Annotated[GuildPart, LogField, Indexed]
    channel_id: Annotated[GuildPart, LogField, Indexed]
    message_ids: Annotated[tuple[GuildPart, ...], Field(strict=False, max_length=1_000)] = ()
    """None means all of the channel whose thumbnail failed."""


class ThumbnailRetryMessage(Message):
    """Renders thumbnails that are missing."""

    queue: ClassVar[str] = "guilds"
    job_types: ClassVar[tuple[str, ...]] = ("thumbnail_retry",)
    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"guildId": "123", "channelId": "123-1"},)

    message_type: Literal["THUMBNAIL_RETRY"] = "THUMBNAIL_RETRY"
    data: ThumbnailRetryData

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
            message_ids: Whose images; none means all that failed.
        """
        data = ThumbnailRetryData(
            guild_id=guild_id,
            channel_id=channel_id,
            # One id is a sequence too, of letters: the field refuses it.
            message_ids=message_ids if isinstance(message_ids, str) else tuple(message_ids),  # type: ignore[arg-type]
        )
        return cls(data=data)
