"""Routes: rq-dashboard, for those who act on all queues."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from monitoring.web.auth import Needs
from monitoring.web.identity import Identity, Role
from monitoring.web.rq_dashboard import RqDashboard

router = APIRouter(tags=["browser"])

BY_ORIGIN = Needs(Role.ADMIN, by_origin=True)


Actor = Annotated[Identity, Depends(BY_ORIGIN)]


@router.get("/rq/{path:path}", response_class=Response)
def show(path: str, request: Request, asker: Actor) -> Response:
    """Show a page of rq-dashboard."""
    return _answer(path, request, asker)


@router.post("/rq/{path:path}", response_class=Response)
def act(path: str, request: Request, asker: Actor) -> Response:
    """Do what a button of rq-dashboard asks for."""
    return _answer(path, request, asker)


def _answer(path: str, request: Request, asker: Identity) -> Response:
    dashboard: RqDashboard = request.app.state.rq_dashboard
    return dashboard.answer(request, path, subject=asker.subject)
