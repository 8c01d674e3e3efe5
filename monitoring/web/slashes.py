"""Lets a name in a path hold a slash, written as `%2F`: a stock queue `a/b`, a key `user/7`.

Servers hand on the path decoded, where such a slash parts names like any other. From the path as it
was sent it is known which ones are part of a name: they are marked until the route is found, so
that `/streams/a%2Fjobs` is never the entries of `a`.
"""

import re
from urllib.parse import quote, unquote

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

_MARK = "\udc2f"  # half a character: no path that is decoded has one
_SENT = re.compile("%2f", re.IGNORECASE)


class Slashes:
    """Marks the slashes of names in the paths of requests.

    Args:
        app: What finds the routes, with `names_whole` before each of them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] == "http":
            scope = _marked(scope)
        await self._app(scope, receive, send)


def _marked(scope: Scope) -> Scope:
    sent = (scope.get("raw_path") or b"").decode("latin-1").partition("?")[0]
    # Whoever stands in front may have changed one of both, or know the decoded one only, as WSGI.
    if not _SENT.search(sent) or unquote(sent) != scope["path"]:
        return scope
    return {**scope, "path": _MARK.join(map(unquote, _SENT.split(sent)))}


async def names_whole(request: Request) -> None:
    """Give a route the names with their slashes: a dependency that comes before all others.

    Args:
        request: Of which the route is found.
    """
    names = request.path_params
    names.update({key: shown(value) for key, value in names.items() if isinstance(value, str)})


def shown(path: str) -> str:
    """A path, or a part of one, for people.

    Args:
        path: As the scope of a request has it.
    """
    return path.replace(_MARK, "/")


def quoted(path: str) -> str:
    """A path as a browser must ask for it.

    Args:
        path: As the scope of a request has it.
    """
    return "%2F".join(map(quote, path.split(_MARK)))
