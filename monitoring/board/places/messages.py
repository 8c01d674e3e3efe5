"""Messages: what can be sent, who handles it and how it fares; send one, and watch it run."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import redis
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from messages import Message, message_types
from messages.masking import masked_examples
from monitoring.api.parts import Engine, Looker, Reader
from monitoring.board.anew import data_like, without_masks
from monitoring.board.page import page
from monitoring.board.schema_form import data_schema, fields_of, whole
from monitoring.board.sent import MOST, others, watched
from monitoring.board.standing import Standing
from monitoring.board.times_chart import times_chart
from monitoring.board.types_known import Listed, catalogue, members_of, read_fared
from monitoring.errors import TypeNotFound
from monitoring.queues.handlers_known import get_handlers
from monitoring.web.identity import Identity
from workers.settings import Settings

router = APIRouter(tags=["browser"])

_Run = Annotated[str, Query(max_length=200)]
_LABEL = 60  # characters of an example's name


@dataclass(frozen=True)
class Asked:
    """What the address asks for.

    Args:
        kind: The type; empty for the one that is sent most.
        example: Which example fills the form.
        form: How the data is edited.
        runs: The jobs that are watched, oldest first.
        like: The job whose data fills the form instead of an example; empty for none.
    """

    kind: str
    example: int
    form: str
    runs: Sequence[str]
    like: str = ""

    def query(self, **other: Any) -> str:
        """The query of a link that keeps the runs.

        Args:
            other: What else it names.
        """
        found = urlencode({**other, "run": list(self.runs)}, doseq=True)
        return f"?{found}" if found else ""


@router.get("/messages")
def messages(  # noqa: PLR0913, PLR0917 - what a route is given
    request: Request,
    asker: Looker,
    reader: Reader,
    engine: Engine,
    run: Annotated[list[_Run], Query()] = [],  # noqa: B006 - nothing changes it
    example: Annotated[int, Query(ge=0, le=1_000)] = 0,
    form: Literal["fields", "json"] = "fields",
) -> Response:
    """Show the message types, and the one that is sent most."""
    return _page(request, asker, Asked("", example, form, run[-MOST:]), reader, engine)


@router.get("/messages/{name}")
def one_type(  # noqa: PLR0913, PLR0917 - what a route is given
    name: str,
    request: Request,
    asker: Looker,
    reader: Reader,
    engine: Engine,
    run: Annotated[list[_Run], Query()] = [],  # noqa: B006 - nothing changes it
    example: Annotated[int, Query(ge=0, le=1_000)] = 0,
    form: Literal["fields", "json"] = "fields",
    like: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Show a message type, with a form to send one."""
    return _page(request, asker, Asked(name, example, form, run[-MOST:], like), reader, engine)


def _page(
    request: Request, asker: Identity, asked: Asked, reader: redis.Redis, engine: Settings
) -> Response:
    def values(standing: Standing) -> Mapping[str, Any]:
        return read(standing, asked, settings=engine, connection=reader)

    return page(request, asker, "messages.html", values, place="messages")


def read(
    standing: Standing, asked: Asked, *, settings: Settings, connection: redis.Redis
) -> Mapping[str, Any]:
    """What the page shows, in at most seventeen round trips.

    Args:
        standing: How things stand.
        asked: Which type, and which runs.
        settings: Whose timeout is that of types without one.
        connection: Where.

    Raises:
        TypeNotFound: If this process knows no such type.
    """
    fared = read_fared(now=standing.now, connection=connection)
    listed = catalogue(standing, fared)
    chosen = _chosen(listed, asked.kind)
    cls = message_types()[chosen.name]
    ended = fared.of_type(chosen.name, connection)
    handlers = get_handlers(connection=connection)
    same = data_like(asked.like, chosen.name, connection=connection)
    return {
        "asked": asked,
        "catalogue": listed,
        "chosen": chosen,
        "cls": cls,
        "of_streams": cls.stream is not None or cls.tenant is not Message.tenant,
        "purpose": (cls.__doc__ or "").strip(),
        "handler": handlers.get(chosen.name),
        "timeout": cls.timeout_seconds or settings.job_timeout,
        "members": members_of(chosen.name),
        "ended": ended,
        "charts": [times_chart("Run time", ended.run), times_chart("Waiting time", ended.wait)],
        **_form(chosen, masked_examples(cls), asked, same),
        **_runs(asked.runs, connection),
    }


def _chosen(listed: Sequence[Listed], kind: str) -> Listed:
    if not kind:
        return max(listed, key=lambda each: each.ok + each.failed)
    found = next((each for each in listed if each.name == kind), None)
    if found is None:
        raise TypeNotFound(f"There is no message type {kind!r}.", field="name")
    return found


def _form(
    chosen: Listed, examples: Sequence[Mapping[str, Any]], asked: Asked, same: Any
) -> Mapping[str, Any]:
    """The form, filled from an example, or as another message was."""
    at = asked.example if asked.example < len(examples) else 0
    data = without_masks(examples[at]) if examples else {}
    data = data if same is None else same
    as_json = asked.form == "json"
    return {
        "at": at,
        "like": asked.like if same is not None else "",
        "examples": [_label(each) for each in examples],
        "fields": [whole(data)] if as_json else fields_of(data_schema(chosen.name), data),
    }


def _label(example: Mapping[str, Any]) -> str:
    told = ", ".join(
        f"{name} {value}" for name, value in example.items() if isinstance(value, str | int | float)
    )
    told = told or json.dumps(example, ensure_ascii=False)
    return told if len(told) <= _LABEL else f"{told[: _LABEL - 1]}\N{HORIZONTAL ELLIPSIS}"


def _runs(job_ids: Sequence[str], connection: redis.Redis) -> Mapping[str, Any]:
    newest_first = list(dict.fromkeys(reversed(job_ids)))
    last = watched(newest_first[0], connection=connection) if newest_first else None
    return {"last": last, "runs": others(newest_first[1:], connection=connection)}
