"""Who asks, and what that allows: a role, and the tenant whom one may see."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Literal

from messages import PostroomError


class Role(IntEnum):
    """What somebody may do; each may do what those before it may."""

    MODERATOR = 1
    """Looks."""
    ADMIN = 2
    """Acts on queues and jobs."""
    SUPER_ADMIN = 3
    """Destroys what never ran, and purges."""


class NotAuthenticated(PostroomError):
    """Nobody knows who asks."""

    code = "not_authenticated"
    remedy_text = (
        "Send `Authorization: Bearer TOKEN`, or log in; `postroom token --role ROLE` makes a token."
    )


class NotAllowed(PostroomError):
    """Who asks is known, and may not do this."""

    code = "not_allowed"


@dataclass(frozen=True)
class Identity:
    """Who asks.

    Args:
        subject: A login name, for the audit log; 1 to 200 characters.
        role: What it may do.
        tenant: The only tenant whose messages it may see; None means all.
        by: How it is known. Browsers send a cookie by themselves, so a change needs more than that.
        session: Names the login that a cookie belongs to; empty for tokens.
        until: When that ends, so that a stream ends with it; None if it is not known.
    """

    subject: str
    role: Role
    tenant: str | None = None
    by: Literal["token", "cookie", "own"] = "token"
    session: str = ""
    until: datetime | None = None


def role_named(name: str) -> Role | None:
    """The role of a name such as `ADMIN` or `super-admin`; None if there is none."""
    return Role.__members__.get(name.strip().upper().replace("-", "_"))
