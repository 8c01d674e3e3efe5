"""`postroom schema [TYPE]`: the JSON Schema of the messages."""

import json
from typing import Annotated

import typer

from messages import json_schema
from postroom.printing import answer
from workers.loading import load_packages
from workers.settings import load_settings


def schema(
    message_type: Annotated[
        str | None, typer.Argument(metavar="TYPE", help="Such as EMAIL; all types if left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Errors in JSON, too.")] = False,  # noqa: FBT002
) -> None:
    """Print what a message looks like on the wire, as JSON Schema."""
    with answer(as_json=as_json) as say:
        load_packages(load_settings().message_packages, setting="MESSAGE_PACKAGES")
        found = json_schema(message_type)
        say(found, json.dumps(found, indent=2))
