"""MESSAGE_SCAN and THUMBNAIL_RETRY on the sample data."""

from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select, update

from handlers.parts.database import transaction
from handlers.parts.guild_tables import (
    Attachment,
    AuthoredMessage,
    ScanProgress,
    SharedLink,
    ThumbnailStatus,
)
from handlers.parts.scan import links_in
from handlers.parts.settings import handler_settings
from messages import MessageScanMessage, ThumbnailRetryMessage
from tests.handlers.conftest import Setting
from workers import enqueue
from workers.testing import Postroom

pytest_plugins = ["workers.testing"]
pytestmark = [pytest.mark.usefixtures("any_database", "sample")]


def test_a_scan_indexes_links_and_authors_of_one_channel(postroom: Postroom) -> None:
    result = postroom.run(MessageScanMessage.of("123", "123-1"))

    assert result == {"scanned": 5, "links": 4, "authors": 3, "missing": []}
    with transaction() as session:
        plan = select(SharedLink.message_id).where(SharedLink.url == "https://example.com/plan")
        assert sorted(session.scalars(plan)) == ["123-1-1", "123-1-3"]
        mine = select(AuthoredMessage.message_id).where(AuthoredMessage.author_id == "user-123")
        assert sorted(session.scalars(mine)) == ["123-1-1", "123-1-4"]


def test_a_scan_goes_on_where_the_last_one_ended(postroom: Postroom) -> None:
    postroom.run(MessageScanMessage.of("123", "123-1"))
    result = postroom.run(MessageScanMessage.of("123", "123-1"))

    assert result["scanned"] == 0
    with transaction() as session:
        progress = session.get_one(ScanProgress, ("123", "123-1"))
        assert (progress.scanned, progress.last_message_id) == (5, "123-1-5")


def test_asked_for_some_it_scans_those_and_names_what_is_missing(postroom: Postroom) -> None:
    result = postroom.run(MessageScanMessage.of("456", "456-2", ["456-2-1", "nothing", "123-1-1"]))

    assert (result["scanned"], result["missing"]) == (1, ["nothing", "123-1-1"])


def test_links_end_where_the_sentence_does() -> None:
    assert links_in("(see https://a.example/x?y=1). http://b.example, http://b.example!") == [
        "https://a.example/x?y=1",
        "http://b.example",
    ]


def test_thumbnails_that_failed_are_rendered(postroom: Postroom) -> None:
    result = postroom.run(ThumbnailRetryMessage.of("123", "123-1"))

    assert result["rendered"] == ["123-1-1", "123-1-2"]
    with transaction() as session:
        row = session.get_one(Attachment, "123-1-1")
    assert row.status is ThumbnailStatus.COMPLETED
    with Image.open(handler_settings().thumbnail_dir / str(row.thumbnail)) as thumbnail:
        assert thumbnail.size == (256, 192) == (row.width, row.height)


def test_a_broken_image_is_noted_and_stops_no_other(postroom: Postroom) -> None:
    result = postroom.run(ThumbnailRetryMessage.of("789", "789-1"))

    assert result["rendered"] == ["789-1-1"]
    with transaction() as session:
        row = session.get_one(Attachment, "789-1-2")
    assert (row.status, row.attempts) == (ThumbnailStatus.FAILED, 2)
    assert row.error


@pytest.mark.parametrize("path", ["../outside.png", "/etc/passwd"])
def test_an_image_outside_the_folder_is_not_opened(postroom: Postroom, path: str) -> None:
    with transaction() as session:
        session.execute(update(Attachment).where(Attachment.id == "123-1-1").values(path=path))
    result = postroom.run(ThumbnailRetryMessage.of("123", "123-1"))

    assert "not below IMAGE_DIR" in result["failed"]["123-1-1"]


def test_an_image_with_far_too_many_pixels_is_refused(
    postroom: Postroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1_000)
    message = ThumbnailRetryMessage.of("123", "123-1")
    enqueue(message)
    postroom.drain()

    assert "too many pixels" in postroom.assert_buried(message, reason="permanent").error


def test_nothing_half_written_stays(postroom: Postroom, setting: Setting, tmp_path: Path) -> None:
    setting("THUMBNAIL_PIXELS", 64)
    postroom.run(ThumbnailRetryMessage.of("123", "123-2"))
    names = sorted(path.name for path in (tmp_path / "thumbnails").iterdir())

    assert names == ["123-2-1.jpg", "123-2-2.jpg"]
