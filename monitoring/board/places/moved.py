"""Addresses that requirement 003 names: each leads to the place that does the work of its page."""

from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse

from monitoring.api.parts import Actor, Asker, Looker
from monitoring.web.paths import path_of

router = APIRouter(tags=["browser"])


@router.get("/queue-test")
def queue_test(request: Request, _: Looker) -> RedirectResponse:
    """Lead to the page that sends messages."""
    return _to(request, "/messages")


@router.get("/queue-monitor")
def queue_monitor(request: Request, _: Asker) -> RedirectResponse:
    """Lead to the overview."""
    return _to(request, "/")


@router.get("/admin/queues")
def admin_queues(request: Request, _: Actor) -> RedirectResponse:
    """Lead to rq-dashboard."""
    return _to(request, "/rq/")


def _to(request: Request, path: str) -> RedirectResponse:
    return RedirectResponse(path_of(request, path), HTTPStatus.TEMPORARY_REDIRECT)
