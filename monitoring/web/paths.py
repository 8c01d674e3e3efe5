"""Where the pages of the application are, wherever it is mounted."""

import re
from urllib.parse import quote, unquote

from starlette.requests import HTTPConnection

from monitoring.web.slashes import quoted

_OURS = re.compile(r"/(?!/)[A-Za-z0-9_~!$'()*,;:@/%&=+?.-]{0,1999}")


def path_of(request: HTTPConnection, path: str) -> str:
    """The path that a browser must ask for.

    Args:
        request: A request to the application, which knows where it is mounted.
        path: Within the application, such as `/login`.
    """
    prefix: str = request.app.state.web.api_prefix
    return f"{request.scope.get('root_path', '')}{prefix}{path}"


def login_for(request: HTTPConnection) -> str:
    """The path of the login, which leads back to what was asked for.

    Args:
        request: Of somebody who is not logged in.
    """
    query = f"?{request.url.query}" if request.url.query else ""
    asked: str = request.scope["path"]
    wanted = own_path(quoted(asked.removeprefix(path_of(request, ""))) + query)
    login = path_of(request, "/login")
    return login if wanted == "/" else f"{login}?next={quote(wanted)}"


def own_path(text: str) -> str:
    """A path within the application, whatever somebody put into a link.

    Args:
        text: Where a browser wants to go after the login.

    Returns:
        The text if it is a path of ours, and `/` if not: no other host, no way out by `..`, and
        nothing that browsers read in their own way, such as a backslash or a line break.
    """
    is_ours = _OURS.fullmatch(text) and ".." not in unquote(unquote(text))
    return text if is_ours else "/"
