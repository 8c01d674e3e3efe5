"""Which commands a build may run: those that BUILD_ALLOWED_COMMANDS names, and no shell."""

import shlex
from collections.abc import Sequence

from workers import PermanentError

Command = Sequence[str]

_SETTING = "BUILD_ALLOWED_COMMANDS"


def admitted(steps: Sequence[str], allowed: Sequence[str]) -> Sequence[Command]:
    """Take the steps of a build apart, and refuse all of them if one is not allowed.

    Args:
        steps: Commands as a person writes them.
        allowed: Of each command that is allowed, the first word or the first two: `make` allows
            every make, `cargo build` no other cargo.

    Returns:
        The words of each command.

    Raises:
        PermanentError: Naming the first step that must not run, and what to do.
    """
    return [_admitted(step, allowed) for step in steps]


def _admitted(step: str, allowed: Sequence[str]) -> Command:
    try:
        words = shlex.split(step)
    except ValueError as error:
        raise PermanentError(f"The step {step!r} cannot be read: {error}.") from error
    if not words:
        raise PermanentError(f"The step {step!r} names no command.")
    if not any(_begins(words, each.split()) for each in allowed):
        raise PermanentError(
            f"The command {words[0]!r} is not allowed. Add `{' '.join(words[:2])}` or "
            f"`{words[0]}` to the setting {_SETTING} of the workers if it is to run; "
            f"it allows {', '.join(allowed) or 'nothing'} now."
        )
    return words


def _begins(words: Command, first: Command) -> bool:
    return [*words[: len(first)]] == [*first]
