"""Refuses parameters that a route does not know: a slip of the pen must not change what is done."""

from collections import Counter
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, get_args

from fastapi import Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query
from fastapi.routing import APIRoute
from pydantic import BaseModel

from monitoring.errors import InvalidQuery

FOR_PEOPLE = "browser"
"""The tag of pages: their addresses may carry what their scripts read."""


def check_parameters(request: Request) -> None:
    """Refuse a request that has parameters of another name than its route takes, or one twice.

    Args:
        request: To a route of the API; pages take any.

    Raises:
        InvalidQuery: If it has one.
    """
    route = request.scope.get("route")
    if not request.query_params or not isinstance(route, APIRoute) or FOR_PEOPLE in route.tags:
        return
    known = parameters_of(route)
    for name, count in Counter(name for name, _ in request.query_params.multi_items()).items():
        if name not in known:
            raise InvalidQuery(
                f"There is no parameter {name!r} here.",
                field=name,
                remedy=_remedy(name, sorted(known), route),
            )
        if count > 1:  # no route takes a list, and the last one would win without a word
            raise InvalidQuery(
                f"The parameter {name!r} is there {count} times.",
                field=name,
                remedy="Give it once.",
            )


def parameters_of(route: object) -> frozenset[str]:
    """The names of the parameters that a route takes behind the question mark.

    Args:
        route: One of the application's; anything else takes none.
    """
    if not isinstance(route, APIRoute):
        return frozenset()
    fields = get_flat_params(route.dependant)
    return frozenset(each.alias for each in fields if isinstance(each.field_info, Query))


def _remedy(name: str, known: list[str], route: APIRoute) -> str:
    if name in _body_fields(route):
        return "Put it into the JSON body."
    near = get_close_matches(name, known, n=1)
    if near:
        return f"Did you mean {near[0]}?"
    return f"Use {', '.join(known)}." if known else "Leave it out: this takes none."


def _body_fields(route: APIRoute) -> Iterator[str]:
    for body in route.dependant.body_params:
        annotation: Any = body.field_info.annotation
        for model in (annotation, *get_args(annotation)):  # a body that may be left out is a union
            if isinstance(model, type) and issubclass(model, BaseModel):
                yield from (
                    each.alias or field_name for field_name, each in model.model_fields.items()
                )
