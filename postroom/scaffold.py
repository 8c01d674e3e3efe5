"""Writes the three files of a new message type: its class, its handler and their test."""

import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from messages.errors import PostroomError

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_\- ]{0,79}")
_QUEUE = re.compile(r"[A-Za-z0-9_.\-]{1,100}")
_HAPPENED = frozenset({"built", "done", "lost", "made", "paid", "sent", "sync", "update"})


class ScaffoldRefused(PostroomError, ValueError):
    """The files of a new message type cannot be written."""

    code = "scaffold_refused"


@dataclass(frozen=True)
class Names:
    """What a message type is called in each place.

    Args:
        words: Such as `("invoice", "paid")`.
    """

    words: Sequence[str]

    @property
    def wire(self) -> str:
        """`INVOICE_PAID`: what stands in `messageType`."""
        return "_".join(self.words).upper()

    @property
    def file(self) -> str:
        """`invoice_paid`: the name of each file."""
        return "_".join(self.words)

    @property
    def stem(self) -> str:
        """`InvoicePaid`: what the names of the classes begin with."""
        return "".join(word.capitalize() for word in self.words)

    @property
    def field(self) -> str:
        """`invoice_id`: the id of the thing it is about, without what happened to it."""
        *thing, last = self.words
        happened = thing and (last.endswith("ed") or last in _HAPPENED)
        return "_".join([*(thing if happened else self.words), "id"])

    @property
    def wire_field(self) -> str:
        """`invoiceId`: the same on the wire."""
        first, *others = self.field.split("_")
        return first + "".join(word.capitalize() for word in others)


@dataclass(frozen=True)
class Places:
    """The folders of an application, relative to the one it is started in."""

    messages: Path = Path("messages")
    handlers: Path = Path("handlers")
    tests: Path = Path("tests/handlers")


def names_of(name: str) -> Names:
    """The names of a message type.

    Args:
        name: `INVOICE_PAID`, `InvoicePaid`, `invoice-paid` or `InvoicePaidMessage`.

    Returns:
        Its names.

    Raises:
        ScaffoldRefused: If no names can be made of it.
    """
    found = [word.lower() for word in _WORD.findall(name)]
    if len(found) > 1 and found[-1] == "message":
        found.pop()
    names = Names(tuple(found))
    if not _NAME.fullmatch(name) or not found or keyword.iskeyword(names.file):
        raise ScaffoldRefused(
            f"{name!r} cannot be the name of a message type.",
            field="name",
            remedy="Use letters and digits, such as INVOICE or InvoicePaid, and no word of Python.",
        )
    return names


def planned_files(names: Names, queue: str, places: Places) -> Mapping[Path, str]:
    """The files of a message type.

    Args:
        names: Its names.
        queue: The queue its messages wait in.
        places: Where the files belong; the folders exist.

    Returns:
        Path to content; nothing is written.

    Raises:
        ScaffoldRefused: If a folder or the queue cannot be used.
    """
    if not _QUEUE.fullmatch(queue):
        raise ScaffoldRefused(
            f"{queue!r} cannot be the name of a queue.",
            field="queue",
            remedy="Use letters, digits, dots, dashes and underscores.",
        )
    values = _values(names, queue, places)
    return {
        places.messages / f"{names.file}.py": _filled("message", values),
        places.handlers / f"{names.file}.py": _filled("handler", values),
        places.tests / f"test_{names.file}.py": _filled("test", values),
    }


def write(planned: Mapping[Path, str]) -> None:
    """Write all files, or none.

    Args:
        planned: Path to content.

    Raises:
        ScaffoldRefused: If one of them exists, or cannot be written.
    """
    there = [str(path) for path in planned if path.exists()]
    if there:
        raise ScaffoldRefused(
            f"{' and '.join(there)} would be overwritten.",
            field="name",
            remedy="Choose another name, or remove the file first.",
        )
    written: list[Path] = []
    try:
        for path, content in planned.items():
            with path.open("x", encoding="utf-8") as file:
                written.append(path)
                file.write(content)
    except OSError as error:
        for path in written:
            path.unlink()
        raise ScaffoldRefused(
            f"{error.filename} cannot be written: {error.strerror}.",
            remedy="Run it as a user who may write there.",
        ) from error


def package_of(folder: Path, *, option: str) -> str:
    """The name that a folder's modules are imported by.

    Args:
        folder: Relative to the folder where Python starts, or absolute.
        option: How the folder was named, for the error.

    Returns:
        Such as `messages` or `shop.messages`.

    Raises:
        ScaffoldRefused: If it is no package below the current folder.
    """
    try:
        parts = folder.resolve().relative_to(Path.cwd().resolve()).parts
    except ValueError:
        parts = ()
    if not parts or not all(part.isidentifier() for part in parts) or not folder.is_dir():
        raise ScaffoldRefused(
            f"{folder} is no package below the current folder.",
            field=option,
            remedy=f"Run it at the top of your checkout, or name the folder with --{option}.",
        )
    return ".".join(parts)


def _values(names: Names, queue: str, places: Places) -> Mapping[str, str]:
    if not places.tests.is_dir():
        raise ScaffoldRefused(
            f"There is no folder {places.tests}.",
            field="tests-dir",
            remedy="Make it, or name another with --tests-dir.",
        )
    # pytest would try to collect a class that begins with Test.
    untested = "\n    __test__ = False\n" if names.stem.startswith("Test") else ""
    return {
        "wire": names.wire,
        "file": names.file,
        "stem": names.stem,
        "words": " ".join(names.words),
        "field": names.field,
        "wire_field": names.wire_field,
        "example": f"{names.field.removesuffix('_id').replace('_', '-')}-1",
        "queue": queue,
        "untested": untested,
        "messages": package_of(places.messages, option="messages-dir"),
        "handlers": package_of(places.handlers, option="handlers-dir"),
    }


def _filled(template: str, values: Mapping[str, str]) -> str:
    text = files("postroom").joinpath("templates", f"{template}.txt").read_text(encoding="utf-8")
    return Template(text).substitute(values)
