"""Routes: the files of the board, and the element that other pages embed."""

from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import Response

from monitoring.board.assets import ELEMENT, TYPES, asset, version

open_router = APIRouter(tags=["browser"])

_FOR_GOOD = "public, max-age=31536000, immutable"
_ASK_AGAIN = "public, no-cache"

# They are the same for everybody and tell nothing, so pages of any origin may load them.
_FOR_ALL = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


@open_router.get("/board/assets/{of}/{name}", include_in_schema=False)
def file(of: str, name: str) -> Response:
    """A sheet or a module; the same address always has the same content."""
    content, media_type = asset(name)
    keeps = _FOR_GOOD if of == version() else "no-cache"
    return Response(content, media_type=media_type, headers={"Cache-Control": keeps, **_FOR_ALL})


@open_router.get(f"/{ELEMENT}.js", include_in_schema=False)
def element(request: Request) -> Response:
    """The module of `<job-monitor>`: an address that stays, for the parts of a release."""
    headers = {"ETag": f'"{version()}"', "Cache-Control": _ASK_AGAIN, **_FOR_ALL}
    if request.headers.get("if-none-match", "") == headers["ETag"]:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    text = f'export * from "./board/assets/{version()}/{ELEMENT}.js";\n'
    return Response(text, media_type=TYPES["js"], headers=headers)
