"""What an action on many letters answers."""

from monitoring.api.parts import JsonDict
from workers.dead_letters import Bulk

_SHOWN = 20


def as_bulk(found: Bulk, *, dry_run: bool) -> JsonDict:
    """What was done, or would be.

    Args:
        found: The letters, and those that could not be.
        dry_run: Whether it only would be.
    """
    refused = [{"jobId": each.job_id, "error": each.error.as_dict()} for each in found.refused]
    return {
        "success": True,
        "dryRun": dry_run,
        "count": len(found.job_ids),
        "sample": list(found.job_ids[:_SHOWN]),
        "refused": refused[:_SHOWN],
        "refusedCount": len(refused),
    }
