"""`postroom new-message NAME`: the class, the handler and the test of a new message type."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from messages import message_types
from postroom.printing import answer
from postroom.scaffold import (
    Names,
    Places,
    ScaffoldRefused,
    names_of,
    package_of,
    planned_files,
    write,
)
from workers.loading import load_packages
from workers.settings import Settings, load_settings


def new_message(  # noqa: PLR0913, PLR0917 - one parameter an option of the command
    name: Annotated[str, typer.Argument(help="Such as INVOICE or InvoicePaid.")],
    queue: Annotated[str, typer.Option(help="The queue its messages wait in.")] = "default",
    messages_dir: Annotated[Path, typer.Option(help="Where the class goes.")] = Places.messages,
    handlers_dir: Annotated[Path, typer.Option(help="Where the handler goes.")] = Places.handlers,
    tests_dir: Annotated[Path, typer.Option(help="Where the test goes.")] = Places.tests,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,  # noqa: FBT002
) -> None:
    """Write the three files of a new message type into this checkout, and say what to do next."""
    with answer(as_json=as_json) as say:
        settings = load_settings()
        names, places = names_of(name), Places(messages_dir, handlers_dir, tests_dir)
        planned = planned_files(names, queue, places)
        _refuse_known_type(names, settings)
        write(planned)
        remarks = _remarks(queue, places, settings)
        say(
            {
                "success": True,
                "messageType": names.wire,
                "queue": queue,
                "files": [str(path) for path in planned],
                "remarks": remarks,
            },
            _for_people(names, list(planned), remarks),
        )


def _refuse_known_type(names: Names, settings: Settings) -> None:
    sys.path.insert(0, str(Path.cwd()))  # as a worker that is started here
    load_packages(settings.message_packages, setting="MESSAGE_PACKAGES")
    known = message_types().get(names.wire)
    if known is not None:
        raise ScaffoldRefused(
            f"{known.__module__}.{known.__qualname__} declares {names.wire} already.",
            field="name",
            remedy="Choose another name.",
        )


def _remarks(queue: str, places: Places, settings: Settings) -> list[str]:
    messages = package_of(places.messages, option="messages-dir")
    handlers = package_of(places.handlers, option="handlers-dir")
    remarks = []
    if queue not in settings.queues:
        named = ",".join((*settings.queues, queue))
        remarks.append(f"No worker serves the queue {queue} by itself: set QUEUES={named}")
    if messages not in settings.message_packages:
        named = ",".join((*settings.message_packages, messages))
        remarks.append(f"Nothing imports {messages} by itself: set MESSAGE_PACKAGES={named}")
    if handlers not in settings.handler_packages:
        named = ",".join((*settings.handler_packages, handlers))
        remarks.append(f"Nothing imports {handlers} by itself: set HANDLER_PACKAGES={named}")
    return remarks


def _for_people(names: Names, written: Sequence[Path], remarks: Sequence[str]) -> str:
    message, handler, test = written
    example = f'{{"{names.wire_field}": "1"}}'
    steps = (
        f"Give the data its fields, in {message}.",
        f"Do the work, in {handler}.",
        f"Say what it must do: python -m pytest {test}",
        *remarks,
        "Start the workers again: they load handlers when they start.",
        f"Send one: postroom send {names.wire} --data '{example}'",
    )
    wrote = [f"Wrote {path}" for path in written]
    numbered = [f"  {number}. {step}" for number, step in enumerate(steps, start=1)]
    return "\n".join([*wrote, "", "Next:", *numbered])
