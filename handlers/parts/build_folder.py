"""Where builds run, and where their output is kept."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from handlers.parts.files import file_stem
from handlers.parts.locks import alone
from messages import BuildData

MOST_OUTPUT = 1_000_000
"""Bytes kept of a build's output; what comes after is counted, and not kept."""


@contextmanager
def scratch(data: BuildData, root: Path) -> Iterator[Path]:
    """A folder for a build. With a cache it is that of the repository and branch, one at a time.

    Args:
        data: What to build.
        root: The setting BUILD_DIR.

    Yields:
        The folder; without a cache it is removed afterwards.

    Raises:
        ResourceUnavailable: If another build is in the cached folder for too long.
    """
    root.mkdir(parents=True, exist_ok=True)
    if not data.config.cache_enabled:
        with tempfile.TemporaryDirectory(
            dir=root, prefix="build-", ignore_cleanup_errors=True
        ) as fresh:
            yield Path(fresh).resolve()
        return
    name = file_stem(f"{data.repository} {data.branch}")
    with alone(f"build-{name}"):
        folder = root / "cache" / name
        folder.mkdir(parents=True, exist_ok=True)
        yield folder.resolve()


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
