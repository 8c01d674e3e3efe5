"""Dead letters one by one: all of them, newest first, and one with its message and its attempts."""

import json
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

import redis
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from monitoring.api.bodies import Body
from monitoring.api.parts import Actor, Looker, Reader
from monitoring.board.failing import stack_of
from monitoring.board.mended import Form, checked, edits_of, form_of, is_message
from monitoring.board.page import fragment, page
from monitoring.board.standing import Standing
from monitoring.failures.letters import newest_letters
from monitoring.jobs.tenants import letter_of
from workers import dead_letters
from workers.connection import storage_errors
from workers.dead_letters import Filter

router = APIRouter(tags=["browser"])

_Text = Annotated[str, Query(max_length=200)]

_ROWS = 20


class Edited(Body):
    """What a form would change in a letter's data; a reason is not needed to look."""

    data: dict[str, Any]
    reason: str = ""


@router.get("/failures/letters")
def letters(  # noqa: PLR0913, PLR0917 - what is in the address
    request: Request,
    asker: Looker,
    reader: Reader,
    queue: _Text = "",
    kind: Annotated[str, Query(alias="type", max_length=200)] = "",
    reason: _Text = "",
    text: _Text = "",
    cursor: Annotated[str | None, Query(max_length=300)] = None,
) -> Response:
    """List dead letters, the newest first."""
    asked = {"queue": queue, "type": kind, "reason": reason, "text": text}

    def values(found: Standing) -> Mapping[str, Any]:
        return read_list(found, asked, cursor, reader)

    return page(request, asker, "failure_letters.html", values, place="failures")


@router.get("/failures/letters/{job_id}")
def letter(
    request: Request,
    job_id: str,
    asker: Looker,
    reader: Reader,
    form: Annotated[Form, Query(alias="as")] = "form",
) -> Response:
    """Show a dead letter: why it died, its message, its attempts, and a form to mend it."""

    def values(_: Standing) -> Mapping[str, Any]:
        return read_letter(job_id, form, reader)

    return page(request, asker, "failure_letter.html", values, place="failures")


@router.post("/board/failures/letters/{job_id}/check")
def check(
    request: Request, job_id: str, body: Edited, asker: Actor, reader: Reader
) -> HTMLResponse:
    """Show what an edit would change, and what would be wrong with it. It changes nothing."""
    found = letter_of(asker.tenant, job_id, connection=reader)
    values = {"checked": checked(found, body.data)}
    return fragment(request, asker, "checked.html", values)


def read_list(
    standing: Standing, asked: Mapping[str, str], cursor: str | None, connection: redis.Redis
) -> Mapping[str, Any]:
    """What the list shows.

    Args:
        standing: How things stand.
        asked: The filter, as its address has it.
        cursor: That of the page before.
        connection: Where it is read.
    """
    wanted = Filter(
        message_type=asked["type"] or None,
        queue=asked["queue"] or None,
        reason=asked["reason"] or None,
        text=asked["text"] or None,
    )
    with storage_errors():
        found = dead_letters.page(wanted, limit=_ROWS, cursor=cursor, connection=connection)
        total = dead_letters.count(connection=connection)
    some = newest_letters(1_000, connection=connection).newest
    further = {**asked, "cursor": found.cursor or ""}
    return {
        "asked": asked,
        "is_filtered": any(asked.values()),
        "rows": [dead_letters.as_listed(each) for each in found.letters],
        "total": total,
        "further": "?" + urlencode({name: value for name, value in further.items() if value})
        if found.cursor
        else None,
        "is_first": cursor is None,
        "queues": sorted({*standing.queues, asked["queue"]} - {""}),
        "kinds": sorted({each.message_type or "" for each in some} | {asked["type"]} - {""}),
        "reasons": sorted({each.reason for each in some} | {asked["reason"]} - {""}),
    }


def read_letter(job_id: str, form: Form, connection: redis.Redis) -> Mapping[str, Any]:
    """What the page of a letter shows.

    Args:
        job_id: Its job.
        form: How it is edited.
        connection: Where it is read.
    """
    found = letter_of(None, job_id, connection=connection)
    shown = dead_letters.as_shown(found)
    summary = dead_letters.letter.summary(found)
    return {
        "letter": found,
        "edits": edits_of(found),
        "shown": shown,
        "fingerprint": summary.fingerprint,
        "payload": json.dumps(shown["message"], indent=2, ensure_ascii=False),
        "stack": stack_of(found.traceback),
        "fields": form_of(found, form) if is_message(found) else None,
        "form": form,
    }
