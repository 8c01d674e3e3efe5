"""rq-dashboard, RQ's own pages, as a part of the web application.

It has no login, no protection against forged requests and no policy for browsers of its own, shows
what it finds in Redis, and inserts it into its pages as HTML. All of that is mended here.
"""

from functools import cached_property
from typing import TYPE_CHECKING

from fastapi import Request, Response
from redis import Redis

from workers.settings import Settings

if TYPE_CHECKING:
    from monitoring.web.rq_dashboard.application import Dashboard


class RqDashboard:
    """rq-dashboard, loaded with the first request for it: that takes half a second.

    Args:
        connection: As `Dashboard`.
        settings: As `Dashboard`.
    """

    def __init__(self, connection: Redis, settings: Settings) -> None:
        self._connection = connection
        self._settings = settings

    def answer(self, request: Request, path: str, *, subject: str) -> Response:
        """As `Dashboard.answer`."""
        return self._dashboard.answer(request, path, subject=subject)

    @cached_property
    def _dashboard(self) -> "Dashboard":
        from monitoring.web.rq_dashboard.application import Dashboard  # noqa: PLC0415

        return Dashboard(self._connection, self._settings)
