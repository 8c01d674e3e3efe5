"""Routes: the first page, for a browser."""

from html import escape

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from monitoring.api.parts import Asker
from monitoring.web.identity import Identity, Role
from monitoring.web.paths import path_of

router = APIRouter(tags=["browser"])

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Postroom</title>
<main>
<h1>Postroom</h1>
<p>You are {subject}, {role}.</p>
<ul>
{links}
</ul>
<form method="post" action="{logout}"><button>Log out</button></form>
</main>
</html>
"""

_LINKS = {
    "/api/overview": "Queues and workers, as JSON",
    "/api/health": "Health, as JSON",
    "/openapi.json": "Every route",
}
_LINKS_TO_ACT = {"/rq/": "rq-dashboard: queues, jobs and workers, as RQ sees them"}


@router.get("/", response_class=HTMLResponse)
def home(request: Request, asker: Asker) -> HTMLResponse:
    """Show who is logged in, and where to go."""
    links = "\n".join(
        f'<li><a href="{escape(path_of(request, path))}">{escape(words)}</a></li>'
        for path, words in _links(asker).items()
    )
    page = _PAGE.format(
        subject=escape(asker.subject),
        role=asker.role.name,
        links=links,
        logout=escape(path_of(request, "/logout")),
    )
    return HTMLResponse(page)


def _links(asker: Identity) -> dict[str, str]:
    acts = asker.role >= Role.ADMIN and asker.tenant is None
    return _LINKS | (_LINKS_TO_ACT if acts else {})
