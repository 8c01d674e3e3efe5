"""What the command line says about words it cannot use, to those who asked for JSON."""

from collections.abc import Callable, Sequence
from typing import Any

import typer

from messages import PostroomError

# typer has no public name for what its errors about arguments share.
_Unusable: type[Exception] = typer.BadParameter.__mro__[1]


class UsageInvalid(PostroomError):
    """A word of the command line is missing, or cannot be used."""

    code = "invalid_usage"


def run(app: Callable[..., Any], words: Sequence[str]) -> None:
    """Run a command whose answer is to be JSON, so that errors of its usage can be JSON, too.

    Args:
        app: The command line.
        words: What follows `postroom`.

    Raises:
        UsageInvalid: If the words cannot be used.
        SystemExit: When the command is done.
    """
    try:
        code = app(words, standalone_mode=False)
    except _Unusable as error:
        raise _invalid(error) from error
    raise SystemExit(code or 0)


def _invalid(error: Any) -> UsageInvalid:
    # Any: see _Unusable.
    context, parameter = getattr(error, "ctx", None), getattr(error, "param", None)
    command = context.command_path if context is not None else "postroom"
    text = error.format_message().strip()
    return UsageInvalid(
        text if text.endswith(".") else f"{text}.",
        field=getattr(parameter, "name", None),
        remedy=f"`{command} --help` shows what it takes.",
    )
