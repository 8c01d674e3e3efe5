"""The files that dead letters are exported to and imported from; `-` is the standard stream."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from messages import PostroomError

_OWNER_ONLY = 0o600  # the letters' secrets are in it


class FileUnusable(PostroomError):
    """A file cannot be read, or must not be written."""

    code = "file_unusable"


@contextmanager
def lines_of(name: str) -> Iterator[Iterable[bytes]]:
    """A file's lines.

    Args:
        name: Its path, or `-`.

    Raises:
        FileUnusable: If it cannot be read.
    """
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115 - closed below; only opening may fail like this
    except OSError as error:
        raise FileUnusable(
            f"{name} cannot be read: {error.strerror}.",
            field="file",
            remedy="Name an export, or the file of a worker's DEAD_LETTER_SPILL.",
        ) from error
    with file:
        yield file


def write_lines(lines: Iterable[str], name: str) -> int:
    """Write lines to a new file that only its owner can read.

    Args:
        lines: Without line breaks.
        name: Its path, or `-`.

    Returns:
        How many there were.

    Raises:
        FileUnusable: If there is a file already, or it cannot be made.
    """
    if name == "-":
        return sum(sys.stdout.write(line + "\n") > 0 for line in lines)
    try:
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    except OSError as error:
        raise FileUnusable(
            f"{name} cannot be made: {error.strerror}.",
            field="file",
            remedy="Name a file that is not there yet, in a folder that is.",
        ) from error
    with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - of a descriptor
        return sum(file.write(line + "\n") > 0 for line in lines)
