"""Routes: the files of the board."""

from fastapi import APIRouter
from fastapi.responses import Response

from monitoring.board.assets import asset, version

open_router = APIRouter(tags=["browser"])

_FOR_GOOD = "public, max-age=31536000, immutable"


@open_router.get("/board/assets/{of}/{name}", include_in_schema=False)
def file(of: str, name: str) -> Response:
    """A sheet or a module; the same address always has the same content."""
    content, media_type = asset(name)
    keeps = _FOR_GOOD if of == version() else "no-cache"
    return Response(content, media_type=media_type, headers={"Cache-Control": keeps})
