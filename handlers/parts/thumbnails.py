"""Renders thumbnails: from files below one folder into another, whole or not at all."""

import os
import struct
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps

from handlers.parts.settings import HandlerSettings

_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
"""What people upload. Pillow knows more, and starts other programs for some, such as EPS."""
_BROKEN = (
    *(OSError, SyntaxError, ValueError, TypeError, RuntimeError, EOFError, LookupError),
    *(AttributeError, OverflowError, struct.error, zlib.error),
)
"""What Pillow's readers raise of damaged files, as changing their bytes at random shows."""


class Unrenderable(Exception):
    """An image of which there can be no thumbnail."""


@dataclass(frozen=True)
class Rendered:
    """A thumbnail.

    Args:
        path: Below THUMBNAIL_DIR.
        width: In pixels.
        height: In pixels.
    """

    path: str
    width: int
    height: int


def render(image: str, name: str, settings: HandlerSettings) -> Rendered:
    """Render the thumbnail of an image; one that is there already is replaced.

    Args:
        image: Its path below IMAGE_DIR.
        name: The name of the thumbnail, without its ending.
        settings: The folders, and the size.

    Raises:
        Unrenderable: If the image is missing, broken, far too large, or not below the folder.
    """
    source = _below(settings.image_dir, image)
    side = settings.thumbnail_pixels
    try:
        with Image.open(source, formats=_FORMATS) as opened:
            _check_size(opened)
            opened.draft("RGB", (side, side))  # of a JPEG, only what is needed is decoded
            picture = ImageOps.exif_transpose(opened).convert("RGB")
            picture.thumbnail((side, side))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Unrenderable(f"{image} has far too many pixels") from error
    except FileNotFoundError as error:
        raise Unrenderable(f"{image} is not there") from error
    except _BROKEN as error:
        raise Unrenderable(f"{image} is no image that can be read: {error}") from error
    return _stored(picture, name, settings.thumbnail_dir)


def _check_size(image: Image.Image) -> None:
    # Pillow itself only warns up to twice the limit, and a filter that turns warnings into errors
    # would be shared with all threads.
    most = Image.MAX_IMAGE_PIXELS
    if most is not None and image.width * image.height > most:
        raise Image.DecompressionBombError


def _below(folder: Path, path: str) -> Path:
    root = folder.resolve()
    found = (root / path).resolve()
    if not found.is_relative_to(root):
        raise Unrenderable(f"{path} is not below IMAGE_DIR")
    return found


def _stored(picture: Image.Image, name: str, folder: Path) -> Rendered:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.jpg"
    descriptor, fresh = tempfile.mkstemp(dir=folder, prefix=".new-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            picture.save(file, "JPEG", quality=85)
            file.flush()
            os.fsync(file.fileno())  # or a crash of the machine may leave an empty one
        Path(fresh).replace(path)
    except BaseException:
        Path(fresh).unlink(missing_ok=True)
        raise
    return Rendered(path.name, *picture.size)
