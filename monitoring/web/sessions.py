"""Logins of browsers: a signed cookie, and a second token that only the own pages can read.

A browser sends the cookie by itself, also if another site made it send the request. So whoever
comes with a cookie and changes something must show the second token as well.
"""

import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import jwt

from monitoring.web.identity import Identity, NotAuthenticated, Role, role_named

COOKIE = "postroom_session"
CSRF_HEADER = "X-CSRF-Token"

_ALGORITHM = "HS256"


class Sessions:
    """Makes and checks cookies.

    Args:
        secret: See `tokens.secret_of`; keys for this purpose only are derived from it.
        hours: How long a login is good for.
    """

    def __init__(self, secret: str, *, hours: float) -> None:
        self._key = _derived(secret, "session")
        self._csrf_key = _derived(secret, "csrf")
        self.lasts = timedelta(hours=hours)

    def cookie(self, identity: Identity, *, now: datetime) -> str:
        """The value of the cookie of a new login.

        Args:
            identity: Who has logged in.
            now: The time.
        """
        claims: dict[str, Any] = {
            "sub": identity.subject,
            "role": identity.role.name,
            "exp": now + self.lasts,
            "sid": secrets.token_urlsafe(18),
        }
        if identity.tenant is not None:
            claims["tenant"] = identity.tenant
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def identity(self, cookie: str) -> Identity:
        """Whose login a cookie is.

        Args:
            cookie: Its value.

        Raises:
            NotAuthenticated: If it is none of ours, or has expired.
        """
        require = ["exp", "sub", "role", "sid"]
        try:
            claims = jwt.decode(
                cookie, self._key, algorithms=[_ALGORITHM], options={"require": require}
            )
        except jwt.PyJWTError as error:
            raise NotAuthenticated("The login is over.", remedy="Log in again.") from error
        role = role_named(claims["role"]) or Role.MODERATOR
        until = datetime.fromtimestamp(claims["exp"], tz=UTC)
        return Identity(claims["sub"], role, claims.get("tenant"), "cookie", claims["sid"], until)

    def csrf_token(self, identity: Identity) -> str:
        """What the pages of a login show with each change.

        Args:
            identity: Of a cookie.
        """
        return hmac.new(self._csrf_key, identity.session.encode(), hashlib.sha256).hexdigest()

    def shows_csrf_token(self, identity: Identity, shown: str) -> bool:
        """Whether a request came with the token of its login.

        Args:
            identity: Of a cookie.
            shown: The value of the header, or of the field of a form.
        """
        return hmac.compare_digest(self.csrf_token(identity).encode(), shown.encode())


class OneTimeCode:
    """Logs in once, without a token: for a demo on this machine.

    Args:
        text: The code; nobody can guess it.
        role: What the one who shows it may do.
    """

    def __init__(self, text: str, role: Role = Role.SUPER_ADMIN) -> None:
        self.text = text
        self._role = role
        self._state: Literal["new", "used"] = "new"

    def redeem(self, shown: str) -> Identity:
        """Who shows the code; it is worth nothing after that.

        Args:
            shown: What was shown.

        Raises:
            NotAuthenticated: If it is another, or was used.
        """
        is_right = hmac.compare_digest(self.text.encode(), shown.encode())
        if not is_right or self._state == "used":
            raise NotAuthenticated(
                "The code was used, or is another.", remedy="Start again to get a new one."
            )
        self._state = "used"
        return Identity("demo", self._role, by="cookie")


def _derived(secret: str, purpose: str) -> bytes:
    return hmac.new(secret.encode(), f"postroom {purpose}".encode(), hashlib.sha256).digest()
