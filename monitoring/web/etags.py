"""Answers that need not be sent again: a client that polls shows what it has."""

import hashlib
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

_TIME = "timestamp"


def unless_known(request: Request, state: Mapping[str, Any]) -> Response:
    """A state as JSON, or 304 if the client has it already.

    Args:
        request: Its header `If-None-Match` tells what the client has.
        state: Its `timestamp` does not count.
    """
    tag = etag_of(state)
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    shown = {each.strip() for each in request.headers.get("if-none-match", "").split(",")}
    if tag in shown or "*" in shown:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return JSONResponse(state, headers=headers)


def etag_of(state: Mapping[str, Any]) -> str:
    """A weak tag: the same for states that differ in nothing but their time."""
    lasting = {name: value for name, value in state.items() if name != _TIME}
    text = json.dumps(lasting, sort_keys=True, separators=(",", ":"))
    return f'W/"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
