"""The application with a secret, and clients that bear tokens."""

from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from redis import Redis

from monitoring.app import create_app
from monitoring.identity import Role
from monitoring.settings import WebSettings
from tests.monitoring.api.tokens import BASE, SECRET, token_of

As = Callable[..., TestClient]


@pytest.fixture
def web() -> WebSettings:
    return WebSettings(postroom_secret=SECRET)


@pytest.fixture
def app(redis: Redis, web: WebSettings) -> FastAPI:
    return create_app(connection=redis, settings=web)


@pytest.fixture
def bearing(app: FastAPI, web: WebSettings) -> Iterator[As]:
    """Make a client that bears a token of a role, or none."""
    made = []

    def _bearing(role: Role | None, *, tenant: str | None = None) -> TestClient:
        client = TestClient(app, base_url=BASE, raise_server_exceptions=False)
        if role is not None:
            client.headers["Authorization"] = f"Bearer {token_of(role, web, tenant=tenant)}"
        made.append(client)
        return client

    yield _bearing
    for client in made:
        client.close()


@pytest.fixture
def moderator(bearing: As) -> TestClient:
    return bearing(Role.MODERATOR)


@pytest.fixture
def admin(bearing: As) -> TestClient:
    return bearing(Role.ADMIN)


@pytest.fixture
def super_admin(bearing: As) -> TestClient:
    return bearing(Role.SUPER_ADMIN)
