"""Routes: what is asked before somebody acts on one job, changes it, or copies it."""

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from redis import Redis

from messages import UnknownMessageType
from monitoring.api.parts import Actor, Asker, OwnActor, Reader
from monitoring.board.job_rows import LOOKS, summary_of
from monitoring.board.page import fragment
from monitoring.board.places.job import actions_of
from monitoring.board.schema_form import data_schema, fields_of, whole
from monitoring.jobs.detail import get_job_detail
from monitoring.jobs.tenants import check_job_of

router = APIRouter(prefix="/board/dialogs", tags=["browser"])

Action = Literal["retry", "promote", "cancel", "stop", "delete"]
_Id = Annotated[str, Query(max_length=200)]


@router.get("/job")
def act(
    request: Request, asker: OwnActor, reader: Reader, job: _Id, action: Action
) -> HTMLResponse:
    """Ask whether to do something to a job, and why."""
    return _asked(request, asker, action, _detail(job, asker.tenant, reader))


@router.get("/requeue")
def requeue(request: Request, asker: OwnActor, reader: Reader, job: _Id) -> HTMLResponse:
    """Ask how to get on with a job that is stuck: what runs must be stopped before a retry."""
    detail = _detail(job, asker.tenant, reader)
    can = actions_of(detail, asker.tenant)
    first = next((each for each in ("retry", "promote", "stop", "cancel") if each in can), "delete")
    return _asked(request, asker, first, detail)


@router.get("/change")
def change(request: Request, asker: Actor, reader: Reader, job: _Id) -> HTMLResponse:
    """Show a job's data as the form of its type, to send it again changed."""
    detail = get_job_detail(job, connection=reader)
    message = detail["message"] if isinstance(detail["message"], dict) else {}
    data, name = message.get("data"), "dataOverrides"
    try:
        fields = fields_of(data_schema(str(detail["messageType"])), data, name=name)
    except UnknownMessageType:
        fields = [whole(data, name=name)]
    return fragment(request, asker, "dialogs/change.html", {"job": detail, "fields": fields})


@router.get("/copy")
def copy(request: Request, asker: Asker, reader: Reader, job: _Id) -> HTMLResponse:
    """Show how the same message is sent by curl and in Python."""
    detail = _detail(job, asker.tenant, reader)
    message = detail["message"] if isinstance(detail["message"], dict) else {}
    values = {
        "curl": as_curl(message, str(request.base_url).rstrip("/")),
        "python": as_python(message),
        "has_secrets": "***" in json.dumps(message),
    }
    return fragment(request, asker, "dialogs/copy.html", values)


def as_curl(message: dict[str, Any], root: str) -> str:
    """A command that sends the same message again.

    Args:
        message: The envelope, without secrets.
        root: Where the application answers.
    """
    body = {name: message[name] for name in _SENT if message.get(name)}
    text = json.dumps(body, indent=2, ensure_ascii=False).replace("'", "'\\''")
    return (
        f'curl {root}/api/jobs \\\n  -H "Authorization: Bearer $TOKEN" \\\n'
        f"  -H 'Content-Type: application/json' \\\n  -d '{text}'"
    )


def as_python(message: dict[str, Any]) -> str:
    """A program that does so.

    Args:
        message: The envelope, without secrets.
    """
    body = {name: message[name] for name in _SENT if message.get(name)}
    text = json.dumps(body, ensure_ascii=True)
    return (
        "import json\n\nfrom messages import parse_message\nfrom workers import enqueue\n\n"
        f"enqueue(parse_message(json.loads({text!r})))"
    )


_SENT = ("messageType", "data", "userId", "metadata", "correlationId")


def _detail(job_id: str, tenant: str | None, connection: Redis) -> dict[str, Any]:
    check_job_of(tenant, job_id, connection=connection)
    return get_job_detail(job_id, connection=connection)


def _asked(request: Request, asker: Any, action: str, detail: dict[str, Any]) -> HTMLResponse:
    values = {
        "job": detail,
        "action": action,
        "can": action in actions_of(detail, asker.tenant),
        "what": summary_of(detail["message"]),
        "looks": LOOKS,
    }
    return fragment(request, asker, "dialogs/job.html", values)
