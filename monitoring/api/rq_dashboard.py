"""Routes: rq-dashboard, for those who act on all queues."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from monitoring.web.auth import Needs
from monitoring.web.identity import Identity, Role
from monitoring.web.rq_dashboard import RqDashboard

router = APIRouter(include_in_schema=False)

BY_ORIGIN = Needs(Role.ADMIN, by_origin=True)


@router.api_route("/rq/{path:path}", methods=["GET", "POST"], response_class=Response)
def rq_dashboard(
    path: str, request: Request, asker: Annotated[Identity, Depends(BY_ORIGIN)]
) -> Response:
    """Show a page of rq-dashboard, or do what one of its buttons asks for."""
    dashboard: RqDashboard = request.app.state.rq_dashboard
    return dashboard.answer(request, path, subject=asker.subject)
