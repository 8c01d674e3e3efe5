"""One process at a time for one message, while it does what no database transaction can hold.

The lock ends with the process that holds it, however that dies: nothing has to expire.
"""

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from sqlalchemy import Engine, text

from handlers.parts.database import database, is_postgres, said_in_tiers
from handlers.parts.files import file_stem
from handlers.parts.settings import handler_settings
from workers import ResourceUnavailable

_POLL_SECONDS = 0.05


class Busy(ResourceUnavailable):
    """Another process has been inside for too long."""


@contextmanager
def alone(message_id: str) -> Iterator[None]:
    """Wait until no other process is inside this block for the same message.

    On SQLite the lock is a file beside the database, so it reaches as far as that: one machine.
    On PostgreSQL it is an advisory lock, which all workers of the database share.

    Args:
        message_id: The message.

    Yields:
        Nothing.

    Raises:
        Busy: If another process stays inside longer than DATABASE_TIMEOUT.
    """
    engine = database()
    lock = _advisory_lock if is_postgres(engine) else _file_lock
    with lock(engine, message_id):
        yield


@contextmanager
def _advisory_lock(engine: Engine, message_id: str) -> Iterator[None]:
    number = int.from_bytes(hashlib.sha256(message_id.encode()).digest()[:8], signed=True)
    attempt = text("SELECT pg_try_advisory_xact_lock(:number)")
    with said_in_tiers(), engine.begin() as connection:
        _wait(lambda: bool(connection.scalar(attempt, {"number": number})), message_id)
        yield


@contextmanager
def _file_lock(engine: Engine, message_id: str) -> Iterator[None]:
    folder = Path(f"{engine.url.database}.locks")
    folder.mkdir(exist_ok=True)
    path = folder / file_stem(message_id)
    with closing(_LockFile(path)) as file:
        _wait(file.lock, message_id)
        yield


class _LockFile:
    """A file that is locked while it is open, and removed when its holder closes it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def lock(self) -> bool:
        """Try once; True if it is ours now."""
        descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if self._is_still(descriptor):
                self._descriptor = descriptor
                return True
        os.close(descriptor)
        return False

    def close(self) -> None:
        """Give it back, if it is ours."""
        if self._descriptor is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._descriptor)

    def _is_still(self, descriptor: int) -> bool:
        # Its last holder may have removed the file between our open and our lock.
        with suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        return False


def _wait(attempt: Callable[[], bool], message_id: str) -> None:
    deadline = time.monotonic() + handler_settings().database_timeout
    while not attempt():
        if time.monotonic() > deadline:
            raise Busy(f"Another process is still handling message {message_id}.")
        time.sleep(_POLL_SECONDS)
