"""What the routes have in common: the roles they declare, and what they are given."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from redis import Redis

from monitoring.web.auth import Needs
from monitoring.web.identity import Identity, Role
from workers.audit import By
from workers.settings import Settings

LOOK = Needs(Role.MODERATOR, keeps_to_tenant=True)
"""Looks, and shows those who may see one tenant only that tenant."""
LOOK_AT_ALL = Needs(Role.MODERATOR)
ACT = Needs(Role.ADMIN)
ACT_ON_OWN = Needs(Role.ADMIN, keeps_to_tenant=True)
"""Acts, and lets those who may see one tenant only reach what is that tenant's."""
DESTROY = Needs(Role.SUPER_ADMIN)
DESTROY_OWN = Needs(Role.SUPER_ADMIN, keeps_to_tenant=True)

Asker = Annotated[Identity, Depends(LOOK)]
Looker = Annotated[Identity, Depends(LOOK_AT_ALL)]
Actor = Annotated[Identity, Depends(ACT)]
OwnActor = Annotated[Identity, Depends(ACT_ON_OWN)]
Destroyer = Annotated[Identity, Depends(DESTROY)]
OwnDestroyer = Annotated[Identity, Depends(DESTROY_OWN)]

JsonDict = dict[str, Any]


@dataclass(frozen=True)
class Among:
    """Of which queue, and of which message type, a list shall be; None: of any."""

    queue: str | None = None
    message_type: Annotated[str | None, Query(alias="type")] = None


OfWhat = Annotated[Among, Depends()]

_NO_REASON = "no reason given"


def _reader(request: Request) -> Redis:
    reader: Redis = request.app.state.reader
    return reader


def _writer(request: Request) -> Redis:
    writer: Redis = request.app.state.connection
    return writer


def _engine(request: Request) -> Settings:
    settings: Settings = request.app.state.engine
    return settings


Reader = Annotated[Redis, Depends(_reader)]
"""Where routes look; it may be a replica."""
Writer = Annotated[Redis, Depends(_writer)]
"""Where actions are done."""
Engine = Annotated[Settings, Depends(_engine)]


def by(identity: Identity, reason: str) -> By:
    """Who acts, and why.

    Args:
        identity: Who asks.
        reason: In their words; may be empty where the contract of the route has none.
    """
    return By(identity.subject, reason.strip() or _NO_REASON)
