"""The file for the dead letters that Redis has no room for: one JSON object a line.

Rotated by size; nothing here ever removes a file. Several processes may write at once.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

LARGEST = 100_000_000
"""Bytes after which the file is put aside and a new one begun."""

_OWNER_ONLY = 0o600  # a message may hold what only its receiver should know


def spill(line: str, path: Path, *, largest: int = LARGEST) -> None:
    """Append a letter, and return when the disk has it.

    Args:
        line: The letter as JSON, without a line break.
        path: The file; its folder is made if need be.
        largest: Bytes after which it is rotated.

    Raises:
        OSError: If it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path):
        if path.exists() and path.stat().st_size >= largest:
            path.rename(path.with_suffix(f".{uuid4().hex[:12]}{path.suffix}"))
        _append(path, line.encode() + b"\n")


def spill_files(path: Path) -> tuple[Path, ...]:
    """The file and those put aside before it, oldest first.

    Args:
        path: The setting DEAD_LETTER_SPILL.
    """
    aside = path.parent.glob(f"{path.stem}.*{path.suffix}")
    found = [each for each in (*aside, path) if each.is_file()]
    return tuple(sorted(found, key=lambda each: each.stat().st_mtime_ns))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = os.open(path.with_suffix(".lock"), os.O_WRONLY | os.O_CREAT, _OWNER_ONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _append(path: Path, line: bytes) -> None:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, _OWNER_ONLY)
    try:
        if _is_torn(file):
            line = b"\n" + line
        while line:
            line = line[os.write(file, line) :]
        os.fsync(file)
    finally:
        os.close(file)


def _is_torn(file: int) -> bool:
    """Whether a writer died within its line."""
    size = os.fstat(file).st_size
    return size > 0 and os.pread(file, 1, size - 1) != b"\n"
