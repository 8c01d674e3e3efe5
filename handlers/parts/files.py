"""Files at any fsspec URL: written whole or not at all, read back only if the checksum is right."""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from handlers.parts.settings import handler_settings
from workers import PermanentError, ResourceUnavailable

_PLAIN = re.compile(r"[a-z0-9][a-z0-9-]{0,127}")
_CHUNK = 1 << 20
_IN_MEMORY = 8 << 20  # bytes of a file that are kept in memory before they go to a temporary file


def file_stem(message_id: str) -> str:
    """A file name for a message: its id, or the id's hash where that would make no safe name.

    Args:
        message_id: Any text.

    Returns:
        Lower-case letters, digits and hyphens, at most 128 of them.
    """
    if _PLAIN.fullmatch(message_id):
        return message_id
    return f"sha256-{hashlib.sha256(message_id.encode()).hexdigest()}"


@dataclass(frozen=True)
class Stored:
    """A file that was written: where, and what is in it. Credentials are not in the URL."""

    url: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Place:
    """A file or a folder that fsspec can reach.

    Args:
        filesystem: An fsspec file system. Any: the package has no types.
        path: The path within it.
    """

    filesystem: Any
    path: str

    @property
    def name(self) -> str:
        """The file's name, without its folder."""
        return self.path.rstrip("/").rpartition("/")[2]

    @property
    def url(self) -> str:
        """The whole URL, without credentials."""
        return str(self.filesystem.unstrip_protocol(self.path))

    def child(self, *names: str) -> "Place":
        """A place below this folder."""
        return Place(self.filesystem, "/".join((self.path.rstrip("/"), *names)))

    def beside(self, name: str) -> "Place":
        """A place in the folder of this file."""
        return Place(self.filesystem, f"{self.path.rpartition('/')[0]}/{name}")


def place(url: str) -> Place:
    """Find out which file system a URL belongs to.

    Args:
        url: An fsspec URL, or a path on this machine.

    Returns:
        The place; nothing has been read or written.

    Raises:
        PermanentError: If the URL climbs with `..`, or no installed package knows its protocol.
    """
    if ".." in re.split(r"[/\\]", url):
        raise PermanentError("The destination holds `..`; name the folder itself.")
    protocol = url.partition("://")[0] if "://" in url else "file"
    try:
        filesystem, path = url_to_fs(url, **_limits(protocol))
    except (ImportError, ValueError) as error:
        raise PermanentError(f"Files at {protocol}:// cannot be reached here: {error}.") from error
    return Place(filesystem, path)


def write(target: Place, parts: Iterable[bytes], *, writer: str) -> Stored:
    """Write a file. Readers see the old one or the whole new one.

    Args:
        target: Where; its folder is made if needed.
        parts: What, in order.
        writer: Id of the message; only one process may write for it at a time.

    Returns:
        The checksum and size of what was written.

    Raises:
        ResourceUnavailable: If the storage does not take it.
    """
    part = f"{target.path}.{file_stem(writer)}.part"
    try:
        target.filesystem.makedirs(target.path.rpartition("/")[0], exist_ok=True)
        with target.filesystem.open(part, "wb") as file:
            digest, size = _copy(parts, file)
            if isinstance(target.filesystem, LocalFileSystem):
                file.flush()
                os.fsync(file.fileno())
        target.filesystem.mv(part, target.path)
    except OSError as error:
        raise ResourceUnavailable(f"{target.url} cannot be written: {error}.") from error
    return Stored(target.url, digest, size)


def read(source: Place) -> bytes:
    """Read a small file.

    Args:
        source: Where.

    Returns:
        Its content.

    Raises:
        PermanentError: If it does not exist.
        ResourceUnavailable: If the storage does not answer.
    """
    try:
        return bytes(source.filesystem.cat_file(source.path))
    except FileNotFoundError as error:
        raise PermanentError(f"There is no file {source.url}.") from error
    except OSError as error:
        raise ResourceUnavailable(f"{source.url} cannot be read: {error}.") from error


@contextmanager
def checked(source: Place, sha256: str) -> Iterator[IO[bytes]]:
    """Open a file if its content is what it should be.

    Args:
        source: Where.
        sha256: The checksum it must have, in hexadecimal.

    Yields:
        A local copy, so that what is read is what was checked.

    Raises:
        PermanentError: If the checksum is another, or there is no such file.
        ResourceUnavailable: If the storage does not answer.
    """
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as copy:
        found, _ = _copy(_chunks(source), copy)
        if found != sha256:
            raise PermanentError(
                f"{source.url} is damaged: its SHA-256 is {found}, its manifest says {sha256}."
            )
        copy.seek(0)
        yield copy


def newest(folder: Place, *, prefix: str, suffix: str) -> Place | None:
    """The file with the last name in alphabetical order, in a folder or one level below it.

    Args:
        folder: Where.
        prefix: How its name begins.
        suffix: How its name ends.

    Returns:
        The file, or None if there is none.

    Raises:
        ResourceUnavailable: If the storage does not answer.
    """
    try:
        paths = folder.filesystem.find(folder.path, maxdepth=2)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ResourceUnavailable(f"{folder.url} cannot be listed: {error}.") from error
    places = [Place(folder.filesystem, path) for path in paths]
    fitting = [it for it in places if it.name.startswith(prefix) and it.name.endswith(suffix)]
    return max(fitting, key=lambda it: it.name, default=None)


def _chunks(source: Place) -> Iterator[bytes]:
    try:
        with source.filesystem.open(source.path, "rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except FileNotFoundError as error:
        raise PermanentError(f"There is no file {source.url}.") from error
    except OSError as error:
        raise ResourceUnavailable(f"{source.url} cannot be read: {error}.") from error


def _copy(parts: Iterable[bytes], target: Any) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    for part in parts:
        digest.update(part)
        target.write(part)
        size += len(part)
    return digest.hexdigest(), size


def _limits(protocol: str) -> dict[str, Any]:
    # Every package has its own name for a timeout; those without one are bound by the job's.
    seconds = handler_settings().sync_timeout
    names: dict[str, dict[str, Any]] = {
        "s3": {"config_kwargs": {"connect_timeout": seconds, "read_timeout": seconds}},
        "gs": {"requests_timeout": seconds},
        "ftp": {"timeout": seconds},
        "sftp": {"timeout": seconds},
        "smb": {"timeout": seconds},
    }
    return names.get(protocol, {})
