"""What becomes of images that are not as they should be."""

import random
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from handlers.parts.settings import HandlerSettings
from handlers.parts.thumbnails import Unrenderable, render


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow warns of what it makes the best of
@pytest.mark.parametrize("kind", ["AVIF", "BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP"])
def test_whatever_is_broken_about_an_image_is_a_reason(kind: str, tmp_path: Path) -> None:
    chance = random.Random(kind)
    whole = _photo(kind)
    settings = HandlerSettings(image_dir=tmp_path, thumbnail_dir=tmp_path / "out")
    refused = 0
    for _ in range(60):
        (tmp_path / "image").write_bytes(_damaged(whole, chance))
        try:
            render("image", "thumbnail", settings)
        except Unrenderable:
            refused += 1

    assert refused > 5


def _photo(kind: str) -> bytes:
    about = Image.Exif()
    about[0x0112] = 6  # it lies on its side
    buffer = BytesIO()
    Image.radial_gradient("L").resize((80, 60)).convert("RGB").save(buffer, kind, exif=about)
    return buffer.getvalue()


def _damaged(image: bytes, chance: random.Random) -> bytes:
    changed = bytearray(image)
    for _ in range(chance.randint(1, 20)):
        changed[chance.randrange(min(len(image), 400))] = chance.randrange(256)
    return bytes(changed[: chance.choice([len(image), chance.randrange(len(image))])])
