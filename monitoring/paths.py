"""Where the pages of the application are, wherever it is mounted."""

from starlette.requests import HTTPConnection


def path_of(request: HTTPConnection, path: str) -> str:
    """The path that a browser must ask for.

    Args:
        request: A request to the application, which knows where it is mounted.
        path: Within the application, such as `/login`.
    """
    prefix: str = request.app.state.web.api_prefix
    return f"{request.scope.get('root_path', '')}{prefix}{path}"
