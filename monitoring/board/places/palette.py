"""The palette: jump to anything, run any action. What is typed is answered with few short reads."""

import re
from collections.abc import Sequence
from typing import Annotated, Any

import redis
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from messages import message_types
from monitoring.answers import as_text
from monitoring.api.parts import Asker, Reader
from monitoring.board.options import Known, options_for
from monitoring.board.page import Board, fragment
from monitoring.errors import InvalidQuery
from monitoring.failures import get_failure_groups
from monitoring.search import search_jobs
from monitoring.web.identity import Identity, Role
from monitoring.web.paths import path_of
from workers import stream_keys
from workers.connection import storage_errors

router = APIRouter(tags=["browser"])

_GROUPS = 50
_JOBS = 4
_STREAMS = 1_000  # of the names that one step looks at
_STEPS = 4
_SECONDS = 0.1  # for the ids; what is typed next asks again
_ID = re.compile(r"(?=.*\d)[\w.:-]{4,200}")
_GLOB = re.compile(r"([\\*?\[\]^])")


@router.get("/board/palette")
def palette(
    request: Request,
    asker: Asker,
    reader: Reader,
    q: Annotated[str, Query(max_length=200)] = "",
) -> HTMLResponse:
    """Offer what fits what was typed; who may see one tenant only finds its jobs."""
    with storage_errors():
        known = _known(request, asker, reader, q.strip())
    values = {"typed": q, "options": options_for(q, known)}
    return fragment(request, asker, "palette.html", values)


def _known(request: Request, asker: Identity, reader: redis.Redis, typed: str) -> Known:
    root, jobs = path_of(request, ""), _jobs(typed, asker, reader)
    if asker.tenant is not None:
        return Known(jobs=jobs, root=root)
    board: Board = request.app.state.board
    found = get_failure_groups(state="open", limit=_GROUPS, connection=reader) if typed else {}
    return Known(
        standing=board.standing(request),
        groups=found.get("groups", ()),
        streams=_streams(typed, reader),
        types=tuple(message_types()),
        jobs=jobs,
        may_act=asker.role >= Role.ADMIN,
        root=root,
    )


def _jobs(typed: str, asker: Identity, reader: redis.Redis) -> Sequence[dict[str, Any]]:
    """Those whose id begins with it, if it looks like one."""
    if _ID.fullmatch(typed) is None:
        return ()
    try:
        found = search_jobs(
            f'id:"{typed}"',
            tenant=asker.tenant,
            limit=_JOBS,
            seconds=_SECONDS,
            connection=reader,
        )
    except InvalidQuery:
        return ()
    jobs: Sequence[dict[str, Any]] = found["jobs"]
    return jobs


def _streams(typed: str, reader: redis.Redis) -> Sequence[str]:
    """Names of streams with the last of the words, among the first some thousand."""
    words = typed.lower().split()
    if not words:
        return ()
    word = _GLOB.sub(r"\\\1", words[-1])
    found: list[str] = []
    cursor = 0
    for _ in range(_STEPS):
        step: Any = reader.sscan(stream_keys.streams(), cursor, match=f"*{word}*", count=_STREAMS)
        cursor, names = step
        found += map(as_text, names)
        if not cursor:
            break
    return found
