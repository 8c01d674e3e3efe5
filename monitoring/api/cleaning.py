"""Routes: remove ended jobs by age, and keep the newest."""

from datetime import timedelta

from fastapi import APIRouter, Request

from monitoring.api.bodies import Clean
from monitoring.api.parts import Actor, JsonDict, Looker, Writer, by
from monitoring.queues.known_queues import check_queue
from workers.cleanup import CleanupPolicy, clean
from workers.cleanup_policies import read_policies

router = APIRouter(prefix="/api/cleanup", tags=["queues"])


@router.get("/policies")
def policies(request: Request, _: Looker) -> JsonDict:
    """Show the policies that are followed each hour."""
    found = read_policies(request.app.state.web.cleanup_policies)
    return {"policies": [_shown(each) for each in found]}


@router.post("")
def clean_up(body: Clean, asker: Actor, writer: Writer) -> JsonDict:
    """Remove what a policy names; at first a dry run, which shows what it would remove."""
    check_queue(body.queue, connection=writer)
    policy = CleanupPolicy(
        body.queue, body.state, timedelta(seconds=body.older_than), body.keep_newest
    )
    found = clean(policy, dry_run=body.dry_run, by=by(asker, body.reason), connection=writer)
    return {
        "success": True,
        "dryRun": body.dry_run,
        "count": found.count,
        "sample": list(found.ids[:20]),
    }


def _shown(policy: CleanupPolicy) -> JsonDict:
    return {
        "queue": policy.queue,
        "state": policy.state,
        "olderThan": policy.older_than.total_seconds(),
        "keepNewest": policy.keep_newest,
    }
