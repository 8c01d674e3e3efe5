"""The tables of guilds: what was written in their channels, and what was made of it."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Enum, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from handlers.parts.tables import Base


class ThumbnailStatus(StrEnum):
    """How far the thumbnail of an image is."""

    PENDING = "PENDING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class GuildMessage(Base):
    """One message in a guild's channel."""

    __tablename__ = "guild_messages"
    __table_args__ = (
        Index("guild_messages_in_order", "guild_id", "channel_id", "posted_at", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    guild_id: Mapped[str]
    channel_id: Mapped[str]
    author_id: Mapped[str]
    text: Mapped[str]
    posted_at: Mapped[datetime]


class SharedLink(Base):
    """A link in a message: the index by link."""

    __tablename__ = "shared_links"

    url: Mapped[str] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(ForeignKey("guild_messages.id"), primary_key=True)
    guild_id: Mapped[str] = mapped_column(index=True)


class AuthoredMessage(Base):
    """Who wrote a message: the index by author, a row for each message that was scanned."""

    __tablename__ = "authored_messages"

    author_id: Mapped[str] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(ForeignKey("guild_messages.id"), primary_key=True)
    guild_id: Mapped[str] = mapped_column(index=True)


class ScanProgress(Base):
    """How far a channel was scanned from its first message on."""

    __tablename__ = "scan_progress"

    guild_id: Mapped[str] = mapped_column(primary_key=True)
    channel_id: Mapped[str] = mapped_column(primary_key=True)
    last_posted_at: Mapped[datetime | None]
    last_message_id: Mapped[str | None]
    scanned: Mapped[int] = mapped_column(default=0)
    updated_at: Mapped[datetime]


class Attachment(Base):
    """An image in a message, and its thumbnail."""

    __tablename__ = "attachments"

    id: Mapped[str] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(ForeignKey("guild_messages.id"), index=True)
    path: Mapped[str]
    """Below the setting IMAGE_DIR."""
    status: Mapped[ThumbnailStatus] = mapped_column(
        Enum(ThumbnailStatus, native_enum=False, length=16), default=ThumbnailStatus.PENDING
    )
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]
    thumbnail: Mapped[str | None]
    """Below the setting THUMBNAIL_DIR."""
    width: Mapped[int | None]
    height: Mapped[int | None]
