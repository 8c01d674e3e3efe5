"""Routes: retry or cancel many jobs, those of a search or those that are named."""

import json
from collections.abc import Sequence

from fastapi import APIRouter
from redis import Redis

from monitoring.api.bodies import ManyJobs
from monitoring.api.parts import Engine, JsonDict, OwnActor, Writer, by
from monitoring.jobs.matching import matching_jobs
from monitoring.jobs.tenants import check_job_of
from monitoring.web.identity import Identity
from workers import many_jobs
from workers.errors import InvalidOption
from workers.many_jobs import Action
from workers.settings import Settings

router = APIRouter(prefix="/api/jobs", tags=["jobs"])

_SHOWN = 20


@router.post("/retry")
def retry_jobs(body: ManyJobs, asker: OwnActor, writer: Writer, engine: Engine) -> JsonDict:
    """Send failed or stopped jobs again, and let those that are due later run now.

    Of a search the first 1,000 that it can be done to; a dry run shows which, and the next run
    does just those.
    """
    return _done("retry", body, asker, engine, writer)


@router.post("/cancel")
def cancel_jobs(body: ManyJobs, asker: OwnActor, writer: Writer, engine: Engine) -> JsonDict:
    """Take jobs out that have not begun, in the same way."""
    return _done("cancel", body, asker, engine, writer)


def tried(
    action: Action, query: str | None, job_ids: Sequence[str], asker: Identity, connection: Redis
) -> tuple[many_jobs.ManyJobs, bool]:
    """A dry run, which the next run keeps to.

    Args:
        action: What would be done.
        query: Of a search; None means the jobs that are named.
        job_ids: Named ones.
        asker: Who would do it.
        connection: Where.

    Returns:
        What would be done, and whether the search has no more jobs than that.

    Raises:
        InvalidOption: If neither or both are given.
        InvalidQuery: If the search cannot be used.
        JobNotFound: If a job is another tenant's.
    """
    _check_one(query, job_ids)
    name = _name(query, job_ids, asker)
    if query is not None:
        found = matching_jobs(action, query, tenant=asker.tenant, connection=connection)
        shown = many_jobs.ManyJobs(found.job_ids, found.refused)
        many_jobs.remember(action, shown, name=name, connection=connection)
        return shown, found.is_all
    for job_id in job_ids:
        check_job_of(asker.tenant, job_id, connection=connection)
    return many_jobs.dry_run(action, job_ids, name=name, connection=connection), True


def _done(
    action: Action, body: ManyJobs, asker: Identity, engine: Settings, writer: Redis
) -> JsonDict:
    _check_one(body.query, body.job_ids)
    name = _name(body.query, body.job_ids, asker)
    is_all = True
    plan = None if body.dry_run else many_jobs.planned(action, name=name, connection=writer)
    if plan is None:
        plan, is_all = tried(action, body.query, body.job_ids, asker, writer)
        if body.dry_run:
            return _told(plan, dry_run=True, is_all=is_all)
    done = many_jobs.run(
        action, plan, name=name, by=by(asker, body.reason), settings=engine, connection=writer
    )
    return _told(done, dry_run=False, is_all=is_all)


def _check_one(query: str | None, job_ids: Sequence[str]) -> None:
    if (query is None) == (not job_ids):
        raise InvalidOption(
            "An action on many jobs needs a search, or ids.",
            field="query",
            remedy="Give either `query` or `jobIds`.",
        )


def _name(query: str | None, job_ids: Sequence[str], asker: Identity) -> str:
    what = json.dumps(sorted(job_ids)) if query is None else query
    return f"{what} of {asker.tenant}" if asker.tenant is not None else what


def _told(found: many_jobs.ManyJobs, *, dry_run: bool, is_all: bool) -> JsonDict:
    refused = [{"jobId": each.job_id, "error": each.error.as_dict()} for each in found.refused]
    return {
        "success": True,
        "dryRun": dry_run,
        "count": len(found.job_ids),
        "sample": list(found.job_ids[:_SHOWN]),
        "refused": refused[:_SHOWN],
        "refusedCount": len(refused),
        "isAll": is_all,
    }
