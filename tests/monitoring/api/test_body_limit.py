"""How much of a request is read, whoever sends it."""

import json
from collections.abc import Iterator

from fastapi.testclient import TestClient

from messages.limits import MAX_BYTES
from monitoring.web.body_limit import MOST_BYTES
from monitoring.web.identity import Role
from tests.monitoring.api.tokens import refusal


def chunks(read: list[int]) -> Iterator[bytes]:
    """A body without a declared length, of ten times the limit; notes what is read of it."""
    for number in range(100):
        read.append(number)
        yield b"x" * (MOST_BYTES // 10)


def test_who_sends_too_much_is_refused_whether_known_or_not(bearing) -> None:
    body = b"x" * (MOST_BYTES + 1)
    for path in ("/api/jobs", "/api/dead-letters/purge", "/api/cleanup"):
        for role in (None, Role.SUPER_ADMIN):
            answer = bearing(role).post(path, content=body)

            assert (answer.status_code, refusal(answer)) == (413, "too_large")


def test_a_form_may_not_be_larger_either(bearing) -> None:
    answer = bearing(None).post("/login", data={"token": "x" * MOST_BYTES})

    assert (answer.status_code, refusal(answer)) == (413, "too_large")


def test_what_comes_without_a_length_is_counted(bearing) -> None:
    answer = bearing(None).post("/api/jobs", content=chunks([]))

    assert (answer.status_code, refusal(answer)) == (413, "too_large")


def test_the_largest_message_fits_however_its_text_is_written(admin: TestClient) -> None:
    text = "x" * (MAX_BYTES - 1_000)
    data = {"to": "a@example.com", "subject": "s", "template": "welcome"}
    body = json.dumps({"messageType": "EMAIL", "data": data | {"templateData": {"name": text}}})
    written = body.replace(text, "\\u0078" * len(text))

    answer = admin.post("/api/jobs", content=written, headers={"Content-Type": "application/json"})

    assert answer.status_code == 201, answer.text
