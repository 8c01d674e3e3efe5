"""Whose word the web process takes for where a request comes from."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.cookies import SimpleCookie

import pytest
from httpx2 import Client, Response
from pydantic import ValidationError
from redis import Redis

from monitoring.web.app import create_app
from monitoring.web.identity import Role
from monitoring.web.sessions import COOKIE
from monitoring.web.settings import WebSettings
from tests.monitoring.api.tokens import SECRET, token_of
from tests.monitoring.api.watching import served

LogIn = Callable[..., Response]


def settings(proxies: str) -> WebSettings:
    return WebSettings(postroom_secret=SECRET, forwarded_allow_ips=proxies)


@pytest.fixture
def log_in(request, redis: Redis) -> Iterator[LogIn]:
    """Log in to a process that trusts the proxies of the parameter, none by default."""
    web = settings(getattr(request, "param", ""))
    with ExitStack() as opened:
        port = opened.enter_context(served(create_app(connection=redis, settings=web), web))
        client = opened.enter_context(Client(base_url=f"http://127.0.0.1:{port}"))

        def _log_in(token: str = token_of(Role.ADMIN, web), **told: str) -> Response:
            headers = {f"X-Forwarded-{name.title()}": text for name, text in told.items()}
            return client.post("/login", data={"token": token}, headers=headers)

        yield _log_in


def is_secure(answer: Response) -> bool:
    return bool(SimpleCookie(answer.headers["set-cookie"])[COOKIE]["secure"])


@pytest.mark.parametrize("log_in", ["", "192.0.2.1,10.0.0.0/8"], indirect=True)
def test_the_limit_of_logins_counts_whoever_asks_under_whatever_address(log_in: LogIn) -> None:
    for number in range(10):
        assert log_in("x", **{"for": f"9.9.9.{number}"}).status_code == 401

    assert log_in("x", **{"for": "9.9.9.10"}).status_code == 429


def test_nobody_but_a_proxy_that_is_named_says_that_a_request_came_by_https(
    log_in: LogIn,
) -> None:
    assert not is_secure(log_in(proto="https"))


@pytest.mark.parametrize("log_in", ["10.0.0.0/8, 127.0.0.1", "127.0.0.0/8"], indirect=True)
def test_a_proxy_that_is_named_says_who_asks_and_over_what(log_in: LogIn) -> None:
    for number in range(10):
        # Proxies add the address that they see, behind what the client made up.
        assert log_in("x", **{"for": f"9.9.9.{number}, 203.0.113.7"}).status_code == 401

    assert log_in(**{"for": "203.0.113.7"}).status_code == 429
    answer = log_in(**{"for": "203.0.113.8", "proto": "https"})
    assert answer.status_code == 303
    assert is_secure(answer)


@pytest.mark.parametrize("proxies", ["*", "nginx", "10.0.0.1/8", "127.0.0.1:80"])
def test_a_proxy_that_is_no_address_is_refused(proxies: str) -> None:
    with pytest.raises(ValidationError) as refused:
        settings(f"127.0.0.1,{proxies}")

    assert f"{proxies!r} is no address or network" in str(refused.value)
