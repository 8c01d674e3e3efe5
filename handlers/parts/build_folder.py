"""Where builds run, and where their output is kept."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from handlers.parts.files import file_stem
from handlers.parts.locks import Busy, alone
from messages import BuildData

MOST_OUTPUT = 1_000_000
"""Bytes kept of a build's output; what comes after is counted, and not kept."""


@dataclass(frozen=True)
class Scratch:
    """Where one build runs.

    Args:
        folder: Nobody else is in it.
        is_cached: Whether it is kept for the next build of the repository and branch.
    """

    folder: Path
    is_cached: bool


@contextmanager
def scratch(data: BuildData, root: Path) -> Iterator[Scratch]:
    """A folder for a build. With a cache it is that of the repository and branch.

    One build at a time is in a cached folder. Another one waits for it, as long as
    DATABASE_TIMEOUT, and then runs without what is in there.

    Args:
        data: What to build.
        root: The setting BUILD_DIR.

    Yields:
        The folder; unless it is cached it is removed afterwards.
    """
    root.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        cached = _cached(data, root, held) if data.config.cache_enabled else None
        yield Scratch((cached or _fresh(root, held)).resolve(), is_cached=cached is not None)


def _cached(data: BuildData, root: Path, held: ExitStack) -> Path | None:
    name = file_stem(f"{data.repository} {data.branch}")
    try:
        held.enter_context(alone(f"build-{name}"))
    except Busy:  # a build may take a day, and no message has so much patience
        return None
    folder = root / "cache" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _fresh(root: Path, held: ExitStack) -> Path:
    folder = tempfile.TemporaryDirectory(dir=root, prefix="build-", ignore_cleanup_errors=True)
    return Path(held.enter_context(folder))


class BuildLog:
    """The file with a build's output.

    Args:
        path: The file; it is written anew.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._left = MOST_OUTPUT
        self._cut = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        # Unbuffered: people read along, and what a killed worker wrote is there.
        self._file: IO[bytes] = path.open("wb", buffering=0)

    def write(self, line: bytes) -> bool:
        """Keep a line, as long as there is room.

        Returns:
            Whether there was.
        """
        if len(line) + 1 > self._left:
            self._left = 0
            self._cut += len(line) + 1
            return False
        self._file.write(line + b"\n")
        self._left -= len(line) + 1
        return True

    def close(self) -> None:
        """Say what was cut, and close the file."""
        if self._cut:
            self._file.write(b"... %d further bytes were cut.\n" % self._cut)
        self._file.close()
