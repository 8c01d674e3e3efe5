"""Sample data of guilds: three of them, with messages, links and images, one of them broken."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

from PIL import Image, ImageDraw

from handlers.parts.guild_tables import ThumbnailStatus
from handlers.parts.settings import handler_settings

GUILDS = ("123", "456", "789")
_BEGIN = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
_TEXTS = (
    "Good morning! The plan is at https://example.com/plan, have a look.",
    "Done with leg day.",
    "See (https://example.com/shoes) and https://example.com/plan.",
    "Who joins the run on Thursday?",
    "Pictures of the hike: https://photos.example.com/hike?day=2",
)
_CHANNELS_EACH, _MESSAGES_EACH = 2, 5
_BROKEN = "789-1-2"  # the image of which only the first half was uploaded


def channels() -> Iterator[tuple[str, str]]:
    """Each guild with each of its channels."""
    for guild in GUILDS:
        for number in range(1, _CHANNELS_EACH + 1):
            yield guild, f"{guild}-{number}"


def messages() -> Iterator[dict[str, Any]]:
    """Rows of `guild_messages`; the oldest first."""
    for guild, channel in channels():
        for number in range(_MESSAGES_EACH):
            yield {
                "id": f"{channel}-{number + 1}",
                "guild_id": guild,
                "channel_id": channel,
                "author_id": f"user-{123 + number % 3}",
                "text": _TEXTS[number],
                "posted_at": _BEGIN + timedelta(minutes=number),
            }


def attachments() -> Iterator[dict[str, Any]]:
    """Rows of `attachments`: two images in each channel, whose thumbnails failed before."""
    for _, channel in channels():
        for number in (1, 2):
            name = f"{channel}-{number}"
            yield {
                "id": name,
                "message_id": name,
                "path": f"{name}.png",
                "status": ThumbnailStatus.FAILED,
                "attempts": 1,
                "error": "the worker was restarted",
            }


def draw_images(rows: Iterable[dict[str, Any]]) -> None:
    """Draw the images that are not there yet.

    Args:
        rows: Those of `attachments`.
    """
    folder = handler_settings().image_dir
    folder.mkdir(parents=True, exist_ok=True)
    for number, row in enumerate(rows):
        path = folder / row["path"]
        if not path.exists():
            _put(path, _drawn(number), is_whole=row["id"] != _BROKEN)


def _drawn(number: int) -> bytes:
    picture = Image.new("RGB", (320, 240), ((number * 37) % 256, 96, 160))
    ImageDraw.Draw(picture).ellipse((20, 20, 20 + 10 * (number + 1), 200), fill="white")
    buffer = BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def _put(path: Path, image: bytes, *, is_whole: bool) -> None:
    fresh = path.with_name(f".{path.name}.{uuid4().hex}")  # others may draw it at the same time
    fresh.write_bytes(image if is_whole else image[: len(image) // 2])
    fresh.replace(path)
