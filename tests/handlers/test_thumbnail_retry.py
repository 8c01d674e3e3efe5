"""What THUMBNAIL_RETRY renders of the sample data, and what it refuses."""

from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select, update

from handlers.parts.database import transaction
from handlers.parts.guild_tables import Attachment, ThumbnailStatus
from handlers.parts.settings import handler_settings
from messages import ThumbnailRetryMessage
from tests.handlers.conftest import Setting
from tests.handlers.processes import Crew, Kill
from workers import enqueue
from workers.testing import Postroom

pytest_plugins = ["workers.testing"]
pytestmark = [pytest.mark.usefixtures("any_database", "sample")]


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


# Pillow itself only warns up to twice the limit.
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("limit", [1_000, 320 * 240 - 1])
def test_an_image_with_far_too_many_pixels_is_refused(
    postroom: Postroom, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    message = ThumbnailRetryMessage.of("123", "123-1")
    enqueue(message)
    postroom.drain()

    assert "too many pixels" in postroom.assert_buried(message, reason="permanent").error


def test_a_file_that_other_programs_would_have_to_read_is_refused(postroom: Postroom) -> None:
    path = handler_settings().image_dir / "123-1-1.png"
    Image.new("RGB", (9, 9)).save(path, "EPS")
    result = postroom.run(ThumbnailRetryMessage.of("123", "123-1"))

    assert result["rendered"] == ["123-1-2"]
    assert "cannot identify" in result["failed"]["123-1-1"]


def test_what_a_killed_worker_has_rendered_stays_and_is_part_of_the_result(
    postroom: Postroom, crew: Crew
) -> None:
    message = ThumbnailRetryMessage.of("789", "789-1")

    killed = crew.run(message, kill=Kill("after_commit", 2))  # the whole one, and the broken one
    result = postroom.run(message)

    assert killed.was_killed
    assert (result["rendered"], [*result["failed"]]) == (["789-1-1"], ["789-1-2"])
    with transaction() as session:
        attempts = select(Attachment.attempts).where(Attachment.id.like("789-1-%"))
        assert list(session.scalars(attempts)) == [2, 2]


def test_nothing_half_written_stays(postroom: Postroom, setting: Setting, tmp_path: Path) -> None:
    setting("THUMBNAIL_PIXELS", 64)
    postroom.run(ThumbnailRetryMessage.of("123", "123-2"))
    names = sorted(path.name for path in (tmp_path / "thumbnails").iterdir())

    assert names == ["123-2-1.jpg", "123-2-2.jpg"]
