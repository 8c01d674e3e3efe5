"""Reads the log file that workers write, with those that were rotated away, and follows it."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from messages.errors import PostroomError

_LOOK_EVERY = 0.2  # seconds between two looks at a file that is followed


class LogUnreadable(PostroomError):
    """There is no log to read, or it cannot be read."""

    code = "log_unreadable"


def written_lines(path: Path) -> Iterator[str]:
    """All lines that are still there, oldest first.

    Args:
        path: LOG_FILE; `path.1`, `path.2` and so on are older.

    Yields:
        Lines without their end.

    Raises:
        LogUnreadable: If there is no such file, or it may not be read.
    """
    for file in (*_rotated(path), path):
        try:
            with _opened(file) as log:
                yield from (_text(line) for line in log)
        except FileNotFoundError:
            if file == path:
                raise _missing(path) from None  # an older one was removed meanwhile


def followed_lines(path: Path) -> Iterator[str | None]:
    """All lines that are there, and those that are written from now on, across rotations.

    Args:
        path: LOG_FILE.

    Yields:
        Lines without their end; None once all that was there has been given. It never ends by
        itself.

    Raises:
        LogUnreadable: As `written_lines`.
    """
    log = _opened_newest(path)
    try:
        # Opened first: what is rotated away from now on is read to its end here.
        for older in _rotated(path):
            if not _is_same(log, older):
                yield from _lines_of_older(older)
        yield from _whole_lines(log)
        yield None
        while True:
            yield from _whole_lines(log)
            if _is_same(log, path):
                time.sleep(_LOOK_EVERY)
                continue
            yield from _whole_lines(log)  # written between the last look and the rotation
            log.close()
            log = _opened_again(path)
    finally:
        log.close()


def _rotated(path: Path) -> list[Path]:
    found = [
        other
        for other in path.parent.glob(f"{path.name}.*")
        if other.name.removeprefix(f"{path.name}.").isdigit()
    ]
    return sorted(found, key=lambda other: -int(other.suffix[1:]))


def _lines_of_older(path: Path) -> Iterator[str]:
    try:
        with _opened(path) as log:
            yield from (_text(line) for line in log)
    except FileNotFoundError:  # rotated out of existence meanwhile
        return


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise LogUnreadable(
            f"The log {path} cannot be read: {error.strerror}.",
            field="file",
            remedy="Read it as the user that the workers run as, or name another with --file.",
        ) from error


def _opened_newest(path: Path) -> BinaryIO:
    try:
        return _opened(path)
    except FileNotFoundError:
        raise _missing(path) from None


def _opened_again(path: Path) -> BinaryIO:
    while True:
        try:
            return _opened(path)
        except FileNotFoundError:  # rotated away, and nothing was written since
            time.sleep(_LOOK_EVERY)


def _missing(path: Path) -> LogUnreadable:
    return LogUnreadable(
        f"There is no log file {path}.",
        field="file",
        remedy="Start a worker with this LOG_FILE, or name the right file with --file.",
    )


def _whole_lines(log: BinaryIO) -> Iterator[str]:
    if os.fstat(log.fileno()).st_size < log.tell():  # somebody emptied it
        log.seek(0)
    while line := log.readline():
        if not line.endswith(b"\n"):  # its writer is not done
            log.seek(-len(line), os.SEEK_CUR)
            return
        yield _text(line)


def _is_same(log: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(log.fileno()), path.stat())
    except FileNotFoundError:
        # Between two steps of a rotation; a file that is removed is given up when a new one comes.
        return True


def _text(line: bytes) -> str:
    return line.decode(errors="replace").rstrip("\r\n")
