from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from handlers.parts.guild_sample import attachments, draw_images
from handlers.parts.settings import handler_settings


def test_images_that_several_draw_at_the_same_time_are_there_once_and_nothing_else() -> None:
    rows = list(attachments())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(draw_images, [rows] * 4))

    folder = handler_settings().image_dir
    assert {path.name for path in folder.iterdir()} == {row["path"] for row in rows}


def test_all_images_of_the_sample_are_whole_but_one() -> None:
    draw_images(attachments())
    paths = handler_settings().image_dir.iterdir()

    assert [path.name for path in paths if not _is_whole(path)] == ["789-1-2.png"]


def _is_whole(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            image.load()
    except OSError:
        return False
    return True
