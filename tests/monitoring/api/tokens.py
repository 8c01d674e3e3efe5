"""Tokens for the tests of the API, and how a refusal must look."""

from datetime import timedelta
from typing import Any

from monitoring.web.identity import Role
from monitoring.web.settings import WebSettings
from monitoring.web.tokens import make_token

SECRET = "a secret of the tests, and of nothing else"
BASE = "http://127.0.0.1:8000"
HOUR = timedelta(hours=1)


def token_of(role: Role, web: WebSettings, *, tenant: str | None = None) -> str:
    return make_token(role, subject="ann", ttl=HOUR, secret=SECRET, settings=web, tenant=tenant)


def refusal(answer: Any) -> str:
    """The code of a refused request; every refusal has all four parts."""
    error = answer.json()["error"]
    assert sorted(error) == ["code", "field", "message", "remedy"]
    assert error["message"]
    assert error["remedy"]
    return str(error["code"])
