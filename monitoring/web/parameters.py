"""Refuses parameters that a route does not know: a slip of the pen must not change what is done."""

from difflib import get_close_matches
from typing import Any

from fastapi import Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query
from fastapi.routing import APIRoute

from monitoring.errors import InvalidQuery

FOR_PEOPLE = "browser"
"""The tag of pages: their addresses may carry what their scripts read."""


def check_parameters(request: Request) -> None:
    """Refuse a request that has parameters of another name than its route takes.

    Args:
        request: To a route of the API; pages take any.

    Raises:
        InvalidQuery: If it has one.
    """
    route: Any = request.scope.get("route")
    if not request.query_params or not isinstance(route, APIRoute) or FOR_PEOPLE in route.tags:
        return
    known = _names(route)
    for name in request.query_params:
        if name not in known:
            raise InvalidQuery(
                f"There is no parameter {name!r} here.",
                field=name,
                remedy=_remedy(name, sorted(known)),
            )


def _names(route: APIRoute) -> frozenset[str]:
    fields = get_flat_params(route.dependant)
    return frozenset(each.alias for each in fields if isinstance(each.field_info, Query))


def _remedy(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    if near:
        return f"Did you mean {near[0]}?"
    return f"Use {', '.join(known)}." if known else "Leave it out: this takes none."
