"""What the doctor says, and what it is given to try."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["critical", "warning", "info"]
"""`critical`: messages are lost or stand still. `warning`: they may. `info`: it could be better."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Args:
        code: A word for programs; it does not change.
        severity: How urgent it is.
        what: A sentence, with the numbers.
        remedy: What to do: a command or a setting.
    """

    code: str
    severity: Severity
    what: str
    remedy: str


@dataclass(frozen=True)
class Probe:
    """A thing outside Redis that handlers need.

    Args:
        name: In lower case, such as `mail server`.
        check: Tries it, within seconds, and returns what is wrong as a sentence; None if nothing.
        remedy: What to do if something is.
    """

    name: str
    check: Callable[[], str | None]
    remedy: str

    def findings(self) -> list[Finding]:
        """Try it."""
        wrong = self.check()
        code = f"{self.name.replace(' ', '_')}_unreachable"
        return [Finding(code, "critical", wrong, self.remedy)] if wrong else []
