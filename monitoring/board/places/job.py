"""One job: what happens next and why, what became of it, what it carries, what it said."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import redis
from fastapi import APIRouter, Request
from fastapi.responses import Response

from messages import UnknownMessageType, message_types
from monitoring.answers import as_text
from monitoring.api.parts import Asker, Reader
from monitoring.board.drawing import JsonDict
from monitoring.board.job_rows import LOOKS, summary_of, told_state
from monitoring.board.job_steps import all_attempts, attempts_of, steps_of
from monitoring.board.log_lines import log_lines
from monitoring.board.page import page
from monitoring.board.schema_form import Field, data_schema, fields_of
from monitoring.board.standing import Standing
from monitoring.board.state_machine import machine_of, summed
from monitoring.explain.explanations import Explanation, explain_job
from monitoring.explain.job_facts import read_job_facts
from monitoring.explain.why_own import why_own_job
from monitoring.jobs import get_job_log
from monitoring.jobs.detail import get_job_detail
from monitoring.jobs.tenants import check_job_of
from workers import keys
from workers.connection import storage_errors
from workers.errors import JobNotFound
from workers.routing import NAME_PATTERN

router = APIRouter(tags=["browser"])

_LINES = 200  # of its log
_RELATED = 20  # jobs that wait for it


@dataclass(frozen=True)
class Relation:
    """Another job that has to do with this one.

    Args:
        job_id: Its id.
        what: What it is to this one.
    """

    job_id: str
    what: str


@router.get("/jobs/{job_id}")
def job(request: Request, job_id: str, asker: Asker, reader: Reader) -> Response:
    """Show a job; to who may see one tenant only, a job of that tenant."""
    tenant = asker.tenant

    def read_it(standing: Standing) -> Mapping[str, Any]:
        check_job_of(tenant, job_id, connection=reader)
        return read(job_id, standing, tenant=tenant, connection=reader)

    return page(request, asker, "job.html", read_it, place="jobs")


def read(
    job_id: str, standing: Standing, *, tenant: str | None, connection: redis.Redis
) -> Mapping[str, Any]:
    """What the page shows.

    Args:
        job_id: The job.
        standing: How things stand, for all tenants.
        tenant: The only one whose jobs may be seen; None means all.
        connection: Where the rest is read.

    Raises:
        JobNotFound: If nothing is known about it.
    """
    detail = get_job_detail(job_id, now=standing.now, connection=connection)
    with storage_errors():
        why, group = _why(job_id, standing, tenant, connection)
        related = _related(detail, tenant, connection)
    message = detail["message"] if isinstance(detail["message"], dict) else {}
    return {
        "job": detail,
        "state": _state(detail),
        "looks": LOOKS,
        "what": summary_of(detail["message"]),
        "why": why,
        "group": group,
        "machine": machine_of(detail, now=standing.now),
        "summed": summed(detail, now=standing.now),
        "steps": steps_of(detail),
        "attempts": attempts_of(detail),
        "every_attempt": all_attempts(detail),
        "fields": list(_flat(_fields(message))),
        "message": message,
        "is_known": message.get("messageType") in message_types(),
        "raw": detail["message"],
        "lines": log_lines(_log(detail, connection)),
        "related": related,
        "can": actions_of(detail, tenant),
        "place_of": "" if tenant is not None else _place_of(detail["queue"], standing),
    }


def _place_of(queue: str | None, standing: Standing) -> str:
    """Whose pages a queue is among; a dead letter may have died in a stream."""
    if queue in standing.queues:
        return "queues"
    return "streams" if queue and not NAME_PATTERN.fullmatch(queue) else ""


def _log(detail: Mapping[str, Any], connection: redis.Redis) -> Sequence[JsonDict]:
    if not detail["logLines"]:
        return ()
    return get_job_log(detail["jobId"], last=_LINES, connection=connection)


def actions_of(detail: Mapping[str, Any], tenant: str | None) -> Sequence[str]:
    """What can be done to a job as it is.

    Args:
        detail: As `get_job_status` tells it.
        tenant: The only one whose jobs may be reached; who reaches one only changes no data.
    """
    status = detail["status"]
    if status in {"failed", "stopped"} and not detail["replayedAs"]:
        return ["retry", *(["change"] if tenant is None else []), "delete"]
    return {
        "queued": ["cancel"],
        "deferred": ["cancel"],
        "scheduled": ["promote", "cancel"],
        "started": ["stop"],
    }.get(status, ["delete"])


def _state(detail: Mapping[str, Any]) -> str:
    status = detail["status"]
    if detail["replayedAs"]:
        return "replayed"
    if status == "queued":
        return "held" if detail["heldBy"] else "waiting"
    names = {"started": "active", "scheduled": "delayed", "finished": "completed"}
    failures = sum(each.get("outcome") in {"retried", "dead"} for each in detail["attempts"])
    found = told_state(names.get(status, status), status, failures)
    return found if found in LOOKS else "waiting"


def _why(
    job_id: str, standing: Standing, tenant: str | None, connection: redis.Redis
) -> tuple[Explanation, str]:
    if tenant is not None:
        own = why_own_job(job_id, tenant, connection=connection, settings=standing.look.settings)
        return own, ""
    facts = read_job_facts(job_id, standing.look, known=standing.queues)
    return explain_job(facts), facts.fingerprint


def _fields(message: Mapping[str, Any]) -> Sequence[Field]:
    try:
        return fields_of(data_schema(str(message.get("messageType"))), message.get("data"))
    except UnknownMessageType:
        return fields_of({}, message["data"]) if "data" in message else ()


def _flat(fields: Sequence[Field]) -> Sequence[Field]:
    found: list[Field] = []
    for each in fields:
        found.extend(_flat(each.parts) if each.kind == "group" else [each])
    return [each for each in found if each.text or each.is_hidden or each.misfit]


def _related(
    detail: Mapping[str, Any], tenant: str | None, connection: redis.Redis
) -> Sequence[Relation]:
    message = detail["message"] if isinstance(detail["message"], dict) else {}
    metadata = message.get("metadata") or {}
    found = [Relation(each, "it waits for this job") for each in detail["dependsOn"]]
    children: Any = connection.sscan(keys.dependents(detail["jobId"]), 0, count=_RELATED)[1]
    found += [Relation(as_text(each), "it waits for this one") for each in children[:_RELATED]]
    if detail["replayedAs"]:
        found.append(Relation(detail["replayedAs"], "its message was sent again as this job"))
    if isinstance(metadata, dict) and metadata.get("replayOf"):
        found.append(Relation(str(metadata["replayOf"]), "this is its message, sent again"))
    elif message.get("causationId"):
        found.append(Relation(str(message["causationId"]), "it caused this one"))
    return [each for each in found if _may_see(each, tenant, connection)]


def _may_see(relation: Relation, tenant: str | None, connection: redis.Redis) -> bool:
    with suppress(JobNotFound):
        check_job_of(tenant, relation.job_id, connection=connection)
        return True
    return False
