"""Bearer tokens: which are good, and why others are not."""

import ast
import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from jwt.algorithms import RSAAlgorithm

from monitoring.web.app import create_app
from monitoring.web.identity import Role
from monitoring.web.settings import WebSettings
from monitoring.web.tokens import InvalidToken, SecretMissing, make_token
from postroom.address import free_port
from tests.monitoring.api.tokens import BASE, HOUR, SECRET, refusal, token_of
from workers.clock import utc_now

WEB = Path(__file__).parents[3] / "monitoring" / "web"


def asked(app: FastAPI, token: str):
    headers = {"Authorization": f"Bearer {token}"}
    return TestClient(app, base_url=BASE).get("/api/session", headers=headers)


def signed(key: Any = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    good = {"sub": "ann", "role": "ADMIN", "exp": utc_now() + HOUR}
    given = {name: value for name, value in (good | claims).items() if value is not None}
    return jwt.encode(given, key, algorithm=algorithm)


def by_hand(algorithm: str, key: bytes = b"") -> str:
    """What PyJWT refuses to make."""

    def part(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    claims = {"sub": "ann", "role": "ADMIN", "exp": (utc_now() + HOUR).timestamp()}
    head = {"alg": algorithm, "typ": "JWT"}
    text = f"{part(json.dumps(head).encode())}.{part(json.dumps(claims).encode())}"
    signature = hmac.new(key, text.encode(), hashlib.sha256).digest() if key else b""
    return f"{text}.{part(signature)}"


def tampered() -> str:
    head, _, signature = signed(role="MODERATOR").split(".")
    return f"{head}.{signed(role='SUPER_ADMIN').split('.')[1]}.{signature}"


BAD = {
    "expired": signed(exp=utc_now() - HOUR),
    "without an end": signed(exp=None),
    "of another key": signed("another secret of 32 bytes or more"),
    "of another algorithm": signed("s" * 64, "HS512"),
    "not signed": by_hand("none"),
    "tampered with": tampered(),
    "for another audience": signed(aud="elsewhere"),
    "not yet good": signed(nbf=utc_now() + HOUR),
    "without a role": signed(role=None),
    "of an unknown role": signed(role="KING"),
    "of somebody whose name is no text": signed(sub="\ud800"),
    "of a tenant whose name is no text": signed(tenant="\ud800"),
    "no token": "abc",
    "empty": " ",
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_token_is_refused(app: FastAPI, what: str) -> None:
    answer = asked(app, BAD[what])

    assert answer.status_code == 401
    assert refusal(answer) == "not_authenticated"
    assert SECRET not in answer.text


def test_a_token_of_ours_says_who_and_what(app: FastAPI, web: WebSettings) -> None:
    told = asked(app, token_of(Role.ADMIN, web, tenant="7")).json()

    assert told == {"subject": "ann", "role": "ADMIN", "tenant": "7"}


def test_of_several_roles_the_highest_counts(app: FastAPI) -> None:
    several = signed(role=None, roles=["moderator", "x", "admin"])

    assert asked(app, several).json()["role"] == "ADMIN"


def test_claims_may_have_other_names(redis) -> None:
    web = WebSettings(
        postroom_secret=SECRET,
        jwt_role_claim="groups",
        jwt_tenant_claim="guild",
        jwt_issuer="us",
        jwt_audience="board",
    )
    app = create_app(connection=redis, settings=web)
    good = signed(role=None, groups="ADMIN", guild=7, iss="us", aud="board")

    assert asked(app, good).json() == {"subject": "ann", "role": "ADMIN", "tenant": "7"}
    assert asked(app, signed(groups="ADMIN", iss="them", aud="board")).status_code == 401
    assert asked(app, signed(groups="ADMIN", iss="us", aud="others")).status_code == 401
    assert asked(app, signed(groups="ADMIN")).status_code == 401


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def rsa_app(redis, key: rsa.RSAPrivateKey, tmp_path: Path) -> FastAPI:
    """An application that takes the tokens of another one's login."""
    public = tmp_path / "public.pem"
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    web = WebSettings(postroom_secret=SECRET, jwt_public_key_file=public)
    return create_app(connection=redis, settings=web)


def test_a_token_of_ones_own_login_is_checked_by_its_public_key(rsa_app: FastAPI, key) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    assert asked(rsa_app, signed(key, "RS256")).json()["role"] == "ADMIN"
    assert asked(rsa_app, signed(other, "RS256")).status_code == 401


def test_a_public_key_is_no_secret_to_sign_with(rsa_app: FastAPI, key) -> None:
    known_to_all = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )

    assert asked(rsa_app, by_hand("HS256", SECRET.encode())).status_code == 200
    assert asked(rsa_app, by_hand("HS256", known_to_all)).status_code == 401
    assert asked(rsa_app, by_hand("RS256", known_to_all)).status_code == 401


@pytest.fixture
def key_server(key: rsa.RSAPrivateKey) -> Iterator[str]:
    """Where an application's login shows its public keys."""
    shown = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": "one", "use": "sig"}
    text = json.dumps({"keys": [shown]}).encode()

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Keys) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/keys"
        server.shutdown()
        thread.join()


def test_public_keys_are_fetched_from_where_a_login_shows_them(redis, key, key_server) -> None:
    web = WebSettings(postroom_secret=SECRET, jwt_jwks_url=key_server)
    app = create_app(connection=redis, settings=web)
    claims = {"sub": "ann", "role": "ADMIN", "exp": utc_now() + HOUR}
    good = jwt.encode(claims, key, algorithm="RS256", headers={"kid": "one"})
    unknown = jwt.encode(claims, key, algorithm="RS256", headers={"kid": "two"})

    assert asked(app, good).json()["role"] == "ADMIN"
    assert asked(app, unknown).status_code == 401
    assert asked(app, token_of(Role.ADMIN, web)).status_code == 200


def test_that_the_keys_cannot_be_had_is_no_fault_of_the_token(redis, key) -> None:
    away = f"http://127.0.0.1:{free_port()}/keys"
    web = WebSettings(postroom_secret=SECRET, jwt_jwks_url=away)
    app = create_app(connection=redis, settings=web)
    claims = {"sub": "ann", "role": "ADMIN", "exp": utc_now() + HOUR}
    answer = asked(app, jwt.encode(claims, key, algorithm="RS256", headers={"kid": "one"}))

    assert (answer.status_code, refusal(answer)) == (503, "keys_unavailable")


@pytest.mark.parametrize("ttl", [timedelta(0), timedelta(days=366)])
def test_a_token_is_good_for_a_second_to_a_year(web: WebSettings, ttl: timedelta) -> None:
    with pytest.raises(InvalidToken) as refused:
        make_token(Role.ADMIN, subject="ann", ttl=ttl, secret=SECRET, settings=web)

    assert refused.value.field == "ttl"


@pytest.mark.parametrize("tenant", ["", "  "])
def test_a_token_for_an_empty_tenant_opens_nothing(web: WebSettings, tenant: str) -> None:
    with pytest.raises(InvalidToken) as refused:
        make_token(Role.ADMIN, subject="a", ttl=HOUR, secret=SECRET, settings=web, tenant=tenant)

    assert refused.value.field == "tenant"


@pytest.mark.parametrize(
    "given", [{}, {"postroom_secret": "short"}, {"postroom_demo": True, "postroom_secret": "short"}]
)
def test_without_a_good_secret_there_is_no_application(redis, given: dict[str, Any]) -> None:
    with pytest.raises(SecretMissing) as refused:
        create_app(connection=redis, settings=WebSettings(**given))

    assert refused.value.field == "POSTROOM_SECRET"


SECRETS = {"secret", "token", "code", "shown", "text", "csrf_token"}


@pytest.mark.parametrize("name", ["auth", "sessions", "tokens", "logins"])
def test_secrets_are_never_compared_with_an_operator(name: str) -> None:
    tree = ast.parse((WEB / f"{name}.py").read_text())
    compared = [
        {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        | {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        and any(isinstance(each, ast.Eq | ast.NotEq) for each in node.ops)
    ]

    assert not [names for names in compared if names & SECRETS]
