"""Routes: the dialog that shows how programs send a message type, and its schema."""

import json
import shlex
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from messages import json_schema, message_types
from messages.masking import masked_examples
from monitoring.api.parts import Looker
from monitoring.board.page import fragment
from monitoring.errors import TypeNotFound

router = APIRouter(prefix="/board/dialogs", tags=["browser"])


@router.get("/type")
def in_code(
    request: Request,
    asker: Looker,
    name: Annotated[str, Query(min_length=1, max_length=100)],
    example: Annotated[int, Query(ge=0, le=1_000)] = 0,
) -> HTMLResponse:
    """Show how programs send a type, and its JSON Schema."""
    cls = message_types().get(name)
    if cls is None:
        raise TypeNotFound(f"There is no message type {name!r}.", field="name")
    shown = masked_examples(cls)
    data = (shown[example : example + 1] or shown[:1] or [{}])[0]
    values = {
        "name": name,
        "python": _python(name, data),
        "shell": _shell(name, data),
        "schema": json.dumps(json_schema(name), indent=2, ensure_ascii=False),
    }
    return fragment(request, asker, "dialogs/type.html", values)


def _python(kind: str, data: Mapping[str, Any]) -> str:
    return (
        "from messages import new_message\nfrom workers import enqueue\n\n"
        f"enqueue(new_message({kind!r}, {dict(data)!r}))"
    )


def _shell(kind: str, data: Mapping[str, Any]) -> str:
    body = json.dumps({"messageType": kind, "data": data}, ensure_ascii=False)
    return (
        'curl "$POSTROOM_URL/api/jobs" -H "Authorization: Bearer $POSTROOM_TOKEN" \\\n'
        f"  -H 'Content-Type: application/json' -d {shlex.quote(body)}"
    )
