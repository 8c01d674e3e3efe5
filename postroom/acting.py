"""What every command of an operator asks for: who does it, and why."""

import os
import pwd
from typing import Annotated

import typer

from workers import By

Reason = Annotated[str, typer.Option("--reason", help="Why; the audit log keeps it.")]
Actor = Annotated[
    str | None, typer.Option("--actor", help="Who does it, instead of this machine's login name.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
ErrorsAsJson = Annotated[bool, typer.Option("--json", help="Errors in JSON; it has no answer.")]


def acting(actor: str | None, reason: str) -> By:
    """Who acts, and why.

    Args:
        actor: What `--actor` says.
        reason: What `--reason` says.
    """
    return By(actor_name(actor), reason)


def actor_name(given: str | None) -> str:
    """Who acts.

    Args:
        given: What `--actor` says.

    Returns:
        It, or the name of the user that this process belongs to.
    """
    if given is not None:
        return given
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run under a number that has no name
        return f"uid {os.getuid()}"
