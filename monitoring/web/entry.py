"""How people get in: with a secret, with a one-time code, or as the application says."""

import secrets
from dataclasses import dataclass
from importlib import import_module

from monitoring.web.auth import Authenticator, Own
from monitoring.web.sessions import OneTimeCode, Sessions
from monitoring.web.settings import WebSettings
from monitoring.web.tokens import SecretMissing, Tokens, secret_of
from workers.errors import SettingInvalid


@dataclass(frozen=True)
class Entry:
    """How people get in.

    Args:
        authenticator: Finds out who asks.
        code: Logs in once; None where there is a secret.
    """

    authenticator: Authenticator
    code: OneTimeCode | None = None


def entry_of(settings: WebSettings) -> Entry:
    """How people get in.

    Args:
        settings: With a secret; without one only in a demo, which makes up its own.

    Raises:
        SecretMissing: If there is none, and this is no demo.
        SettingInvalid: If AUTH names no function.
    """
    try:
        secret, code = secret_of(settings), None
    except SecretMissing:
        if not settings.postroom_demo or settings.postroom_secret is not None:
            raise
        secret, code = secrets.token_urlsafe(32), _code(settings)
    tokens = Tokens(secret, settings)
    sessions = Sessions(secret, hours=settings.session_hours)
    return Entry(Authenticator(tokens, sessions, _own(settings.auth)), code)


def _code(settings: WebSettings) -> OneTimeCode:
    given = settings.postroom_login_code
    return OneTimeCode(secrets.token_urlsafe(32) if given is None else given.get_secret_value())


def _own(name: str) -> Own | None:
    if not name:
        return None
    module, _, function = name.partition(":")
    try:
        found: Own = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingInvalid(
            f"AUTH names {name!r}, which cannot be imported: {error}.",
            field="AUTH",
            remedy="Name a function as module:function.",
        ) from error
    return found
