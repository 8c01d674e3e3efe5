"""Reads the Procfile: one `name: command` a line, run without a shell.

Without a shell there is no process between us and the command that would swallow a signal.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from postroom.errors import ProcfileInvalid

_LINE = re.compile(r"(?P<name>[A-Za-z0-9_-]+)\s*:\s*(?P<command>\S.*)")
_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)=(?P<value>.*)", re.DOTALL)
_SHELL = re.compile(r"[|&;<>()`$]")


@dataclass(frozen=True)
class Command:
    """One line of the Procfile.

    Args:
        name: What stands before the colon.
        arguments: The program and its arguments.
        environment: The `NAME=value` pairs in front of the program.
    """

    name: str
    arguments: tuple[str, ...]
    environment: dict[str, str]


def read_procfile(path: Path) -> tuple[Command, ...]:
    """The commands of a Procfile, in its order.

    Args:
        path: The file; blank lines and lines that start with `#` are left out.

    Raises:
        ProcfileInvalid: If it is missing or empty, or a line cannot be run; it names the line.
    """
    try:
        text = path.read_text()
    except OSError as error:
        raise ProcfileInvalid(
            f"{path} cannot be read: {error.strerror}.",
            field="POSTROOM_PROCFILE",
            remedy="Start from the project's folder, or name the file in POSTROOM_PROCFILE.",
        ) from error
    commands = tuple(_commands(text, path.name))
    if not commands:
        raise ProcfileInvalid(
            f"{path} names no process.", remedy="Write lines such as `web: postroom web`."
        )
    return commands


def _commands(text: str, file: str) -> Iterator[Command]:
    seen: set[str] = set()
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        command = _command(line.strip(), where=f"{file}:{number}")
        if command.name in seen:
            raise _invalid(
                f"{file}:{number}", f"a second process {command.name!r}", "Give each its own name."
            )
        seen.add(command.name)
        yield command


def _command(line: str, *, where: str) -> Command:
    match = _LINE.fullmatch(line)
    if match is None:
        raise _invalid(where, f"{line!r}", "Write it as `name: command`.")
    if character := _SHELL.search(match["command"]):
        raise _invalid(
            where,
            f"the character {character[0]!r}, which only a shell understands",
            "Put what needs a shell into a script, and name the script here.",
        )
    try:
        words = shlex.split(match["command"])
    except ValueError as error:
        raise _invalid(where, f"a quotation that does not end ({error})", "Close it.") from error
    environment: dict[str, str] = {}
    while words and (pair := _ASSIGNMENT.fullmatch(words[0])):
        environment[pair["name"]] = pair["value"]
        words = words[1:]
    if not words:
        raise _invalid(where, "variables and no program", "Name the program after them.")
    return Command(match["name"], tuple(words), environment)


def _invalid(where: str, what: str, remedy: str) -> ProcfileInvalid:
    return ProcfileInvalid(f"{where} has {what}.", field=where, remedy=remedy)
