"""Bearer tokens: JSON Web Tokens with a role, ours or those of the application's own login.

Which algorithm a token may have follows from the key that is configured, never from the token.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from jwt import PyJWKClient, PyJWKClientConnectionError

from messages import PostroomError
from monitoring.web.identity import Identity, NotAuthenticated, Role, role_named
from monitoring.web.settings import WebSettings
from workers.clock import utc_now

SHORTEST_SECRET = 32
"""Bytes of a secret at least: as many as HS256 has (RFC 7518, section 3.2)."""
LONGEST = timedelta(days=365)
"""How long a token of ours may be good for."""

_LEEWAY = 10  # seconds by which the clocks of two machines may differ
_SYMMETRIC, _ASYMMETRIC = ("HS256",), ("RS256",)
_LONGEST_SUBJECT = 200

FindKey = Callable[[str], Any]
"""The public key for a token, or an error of PyJWT's."""


class SecretMissing(PostroomError):
    """There is nothing that tokens could be checked with."""

    code = "secret_missing"
    remedy_text = (
        "Set POSTROOM_SECRET, or POSTROOM_SECRET_FILE, to 32 random characters or more, such as "
        "`python3 -c 'import secrets; print(secrets.token_urlsafe(32))'` prints."
    )


class KeysUnavailable(PostroomError):
    """Whether a token is good cannot be told at the moment."""

    code = "keys_unavailable"
    remedy_text = "Look whether that address answers; then try again."


class InvalidToken(PostroomError, ValueError):
    """A token that was asked for cannot be made."""

    code = "invalid_token_option"


def secret_of(settings: WebSettings) -> str:
    """The secret that tokens and logins are signed with.

    Args:
        settings: With the secret, or a file that holds it.

    Raises:
        SecretMissing: If there is none, or it is too short.
    """
    found = settings.postroom_secret
    text = found.get_secret_value() if found is not None else ""
    if not text and settings.postroom_secret_file is not None:
        text = _read(settings.postroom_secret_file)
    if not text:
        raise SecretMissing("There is no secret, so nobody could log in.", field="POSTROOM_SECRET")
    if len(text.encode()) < SHORTEST_SECRET:
        raise SecretMissing(
            f"The secret has {len(text.encode())} bytes; it needs {SHORTEST_SECRET}.",
            field="POSTROOM_SECRET",
        )
    return text


def make_token(  # noqa: PLR0913 - what a token says
    role: Role,
    *,
    subject: str,
    ttl: timedelta,
    secret: str,
    settings: WebSettings,
    tenant: str | None = None,
    now: datetime | None = None,
) -> str:
    """Sign a token.

    Args:
        role: What its bearer may do.
        subject: Who that is, for the audit log; 1 to 200 characters.
        ttl: How long it is good for, from a second to a year.
        secret: See `secret_of`.
        settings: The names of the claims, issuer and audience.
        tenant: The only tenant whose messages the bearer may see; None means all.
        now: The time; None asks the clock.

    Raises:
        InvalidToken: If it would be good for too long or for no time, or the subject or the tenant
            is no name.
    """
    if not timedelta(seconds=1) <= ttl <= LONGEST:
        raise InvalidToken(
            f"A token cannot be good for {ttl}.", field="ttl", remedy="Use 1 second to 365 days."
        )
    if not 1 <= len(subject.strip()) <= _LONGEST_SUBJECT:
        raise InvalidToken(
            f"The subject has {len(subject)} characters.",
            field="subject",
            remedy=f"Use 1 to {_LONGEST_SUBJECT} characters.",
        )
    if tenant is not None and not tenant.strip():
        # Left out it would open everything, which an unset variable of a script must not.
        raise InvalidToken(
            "The tenant is empty.",
            field="tenant",
            remedy="Name one; leave it out for a token that sees all tenants.",
        )
    begin = now or utc_now()
    claims: dict[str, Any] = {
        "sub": subject.strip(),
        "iat": begin,
        "exp": begin + ttl,
        "jti": secrets.token_urlsafe(9),
        settings.jwt_role_claim: role.name,
    }
    optional = {
        settings.jwt_tenant_claim: tenant,
        "iss": settings.jwt_issuer,
        "aud": settings.jwt_audience,
    }
    claims |= {name: value for name, value in optional.items() if value}
    return jwt.encode(claims, secret, algorithm=_SYMMETRIC[0])


class Tokens:
    """Checks bearer tokens.

    Args:
        secret: For HS256.
        settings: The claims, and where public keys for RS256 are.
    """

    def __init__(self, secret: str, settings: WebSettings) -> None:
        self._secret = secret
        self._settings = settings
        self._find_key = _key_finder(settings)

    def identity(self, token: str) -> Identity:
        """Who bears a token.

        Args:
            token: As it stands in the header.

        Raises:
            NotAuthenticated: If it is not good, or says no role.
            KeysUnavailable: If the keys to check it with are elsewhere, and cannot be had.
        """
        try:
            claims = self._claims(token)
        except PyJWKClientConnectionError as error:
            raise KeysUnavailable(
                "The public keys of tokens cannot be fetched.", field="JWT_JWKS_URL"
            ) from error
        except (jwt.PyJWTError, ValueError) as error:
            raise NotAuthenticated(_words(error)) from error
        return identity_of(claims, self._settings)

    def _claims(self, token: str) -> Mapping[str, Any]:
        algorithm = jwt.get_unverified_header(token).get("alg")
        if algorithm in _ASYMMETRIC and self._find_key is not None:
            return self._decoded(token, self._find_key(token), _ASYMMETRIC)
        return self._decoded(token, self._secret, _SYMMETRIC)

    def _decoded(self, token: str, key: Any, algorithms: Sequence[str]) -> Mapping[str, Any]:
        settings = self._settings
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=list(algorithms),
            audience=settings.jwt_audience or None,
            issuer=settings.jwt_issuer or None,
            leeway=_LEEWAY,
            options={"require": ["exp"]},
        )
        return claims


def identity_of(claims: Mapping[str, Any], settings: WebSettings) -> Identity:
    """Who the claims of a good token speak of.

    Args:
        claims: The token's.
        settings: The names of the claims.

    Raises:
        NotAuthenticated: If they name no role of ours, or no single tenant.
    """
    named = claims.get(settings.jwt_role_claim, claims.get("roles"))
    names = [named] if isinstance(named, str) else named if isinstance(named, list) else []
    roles = [role for name in names if isinstance(name, str) and (role := role_named(name))]
    tenant = claims.get(settings.jwt_tenant_claim)
    if not roles:
        raise NotAuthenticated(
            f"The token names no role in its claim {settings.jwt_role_claim!r}.",
            remedy=f"It must be one of {', '.join(Role.__members__)}.",
        )
    if tenant is not None and (not isinstance(tenant, str | int) or tenant == ""):
        raise NotAuthenticated(f"The claim {settings.jwt_tenant_claim!r} names no tenant.")
    subject = str(claims.get("sub") or "token")[:_LONGEST_SUBJECT]
    return Identity(
        _encodable(subject, "sub"),
        max(roles),
        None if tenant is None else _encodable(str(tenant), settings.jwt_tenant_claim),
        until=expiry(claims),
    )


def _encodable(text: str, claim: str) -> str:
    # JSON can say halves of characters, which no answer and no entry of the audit log can hold.
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise NotAuthenticated(f"The claim {claim!r} is no text.") from error
    return text


def expiry(claims: Mapping[str, Any]) -> datetime | None:
    """When the claims of a good token end; None if they do not say, or at no date there is."""
    try:
        return datetime.fromtimestamp(float(claims["exp"]), tz=UTC)
    except (KeyError, OverflowError, ValueError, OSError):
        return None


def _key_finder(settings: WebSettings) -> FindKey | None:
    if settings.jwt_public_key_file is not None:
        key = settings.jwt_public_key_file.read_bytes()
        return lambda _: key
    if settings.jwt_jwks_url:
        client = PyJWKClient(settings.jwt_jwks_url, cache_keys=True, timeout=5)
        return lambda token: client.get_signing_key_from_jwt(token).key
    return None


def _words(error: Exception) -> str:
    match error:
        case jwt.ExpiredSignatureError():
            return "The token has expired."
        case jwt.InvalidAudienceError():
            return "The token is meant for another audience."
        case jwt.InvalidIssuerError():
            return "The token is of another issuer."
        case jwt.MissingRequiredClaimError():
            return f"The token has no claim {error.claim!r}."
        case _:
            return "The token is not valid."


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        raise SecretMissing(
            f"The secret cannot be read: {error.strerror}.", field="POSTROOM_SECRET_FILE"
        ) from error
