"""Whether a browser sends a request for one of our pages, or for somebody else's."""

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from monitoring.web.identity import NotAllowed

_OURS = frozenset({"same-origin", "none"})  # `none`: typed into the address bar


def check_origin(request: HTTPConnection) -> None:
    """Refuse a request that another site may have made the browser send.

    Args:
        request: Its Origin, if told, must be its own Host; Sec-Fetch-Site, if told, agrees.

    Raises:
        NotAllowed: If it is another site's.
    """
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    is_foreign = site is not None and site not in _OURS
    if origin is not None:
        is_foreign = is_foreign or urlsplit(origin).netloc != request.headers.get("host", "")
    if is_foreign:
        raise NotAllowed(
            "Another site made the browser send this.",
            remedy="Do it from our own pages, or send a bearer token instead of the cookie.",
            code="foreign_origin",
        )


def require_origin(request: HTTPConnection) -> None:
    """Refuse a request unless the browser says that one of our own pages sends it.

    Args:
        request: It must tell Origin or Sec-Fetch-Site, as all browsers do for what is no GET.

    Raises:
        NotAllowed: If it says nothing, or is another site's.
    """
    check_origin(request)
    told = request.headers
    if "origin" not in told and told.get("sec-fetch-site") != "same-origin":
        raise NotAllowed(
            "The browser does not say which page sends this.",
            remedy="Use a current browser, or send a bearer token instead of the cookie.",
            code="foreign_origin",
        )
