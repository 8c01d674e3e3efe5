"""`postroom token`: make a token for the HTTP API."""

import re
from datetime import timedelta
from typing import Annotated

import typer

from monitoring.web.identity import Role, role_named
from monitoring.web.settings import WebSettings
from monitoring.web.tokens import InvalidToken, make_token, secret_of
from postroom.acting import AsJson, actor_name
from postroom.printing import answer

_TTL = re.compile(r"(\d+)(s|m|h|d)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def token(
    role: Annotated[str, typer.Option(help="MODERATOR, ADMIN or SUPER_ADMIN.")],
    tenant: Annotated[str | None, typer.Option(help="The only tenant that it may see.")] = None,
    ttl: Annotated[str, typer.Option(help="How long it is good for: 30m, 8h, 7d.")] = "8h",
    subject: Annotated[
        str | None, typer.Option(help="Who it is for, instead of this machine's login name.")
    ] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Print a bearer token, signed with POSTROOM_SECRET."""
    with answer(as_json=as_json) as say:
        settings = WebSettings()
        made = make_token(
            _role(role),
            subject=actor_name(subject),
            ttl=_span(ttl),
            tenant=tenant,
            secret=secret_of(settings),
            settings=settings,
        )
        say({"token": made}, made)


def _role(name: str) -> Role:
    found = role_named(name)
    if found is None:
        raise InvalidToken(
            f"There is no role {name!r}.",
            field="role",
            remedy=f"Use {', '.join(Role.__members__)}.",
        )
    return found


def _span(text: str) -> timedelta:
    match = _TTL.fullmatch(text.strip())
    if match is None:
        raise InvalidToken(
            f"{text!r} is no time.",
            field="ttl",
            remedy="Use a number and s, m, h or d, such as 8h.",
        )
    try:
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError:
        return timedelta.max
