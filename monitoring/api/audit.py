"""Routes: who did what, and why."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query

from monitoring.api.parts import JsonDict, Looker, Reader
from workers import audit
from workers.clock import shown_text
from workers.connection import storage_errors

router = APIRouter(tags=["audit"])


@router.get("/api/audit")
def audit_log(
    _: Looker, reader: Reader, limit: Annotated[int, Query(ge=1, le=1_000)] = 100
) -> JsonDict:
    """Show what people did, the newest first."""
    with storage_errors():
        return {"entries": [_shown(each) for each in audit.entries(limit, connection=reader)]}


def _shown(made: audit.AuditEntry) -> JsonDict:
    return {**asdict(made), "at": shown_text(made.at)}
