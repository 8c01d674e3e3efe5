"""Why somebody does something: as the parameter `reason`, or in the body of routes with no other.

Either way it reaches the audit log, and a body with anything else is refused, not ignored.
"""

from typing import Annotated

from fastapi import Body, Depends, Query

from monitoring.api.bodies import MayWhy, Nothing
from workers.errors import InvalidOption

QueryReason = Annotated[
    str, Query(max_length=500, description="Why, for the audit log.", examples=["Deploy of 1.4"])
]


def one_reason(query: str, body: str) -> str:
    """The reason that was given.

    Args:
        query: As the parameter.
        body: In the body.

    Returns:
        The one that is there, without blanks around it; empty if none is.

    Raises:
        InvalidOption: If there are two that differ: the audit log keeps one, and to choose would be
            to drop what somebody wrote.
    """
    found = {text for each in (query, body) if (text := each.strip())}
    if len(found) > 1:
        raise InvalidOption(
            "The parameter `reason` and the `reason` of the body differ.",
            field="reason",
            remedy="Give it once; the audit log keeps one.",
        )
    return next(iter(found), "")


def require_reason(reason: str) -> None:
    """Refuse what destroys for good unless somebody says why.

    Args:
        reason: In their words.

    Raises:
        InvalidOption: If it is empty.
    """
    if not reason.strip():
        raise InvalidOption(
            "This cannot be undone, so the audit log needs a reason.",
            field="reason",
            remedy="Say why, in the parameter `reason` or in the body.",
        )


def _given(reason: QueryReason = "", body: Annotated[MayWhy | None, Body()] = None) -> str:
    return one_reason(reason, body.reason if body is not None else "")


Reason = Annotated[str, Depends(_given)]
"""A reason that may be left out; empty then."""


def _needed(reason: Reason) -> str:
    require_reason(reason)
    return reason


NeededReason = Annotated[str, Depends(_needed)]

NoBody = Annotated[Nothing | None, Body()]
"""Of a route that takes nothing: whoever sends something is told, and not left to believe in it."""
