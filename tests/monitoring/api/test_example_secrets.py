"""Examples of a message type are shown without what the type marks as secret."""

import pytest

from messages.masking import MASK
from tests.monitoring.echo_app import EchoMessage

SECRETS = ("example-b1f0", "60317", "example-c2d9", "60318")


def test_the_api_shows_examples_without_secrets(moderator) -> None:
    told = moderator.get("/api/message-types/TESTS_ECHO").json()
    (listed,) = [
        each
        for each in moderator.get("/api/message-types").json()["types"]
        if each["messageType"] == "TESTS_ECHO"
    ]

    first, second = (
        {"api": MASK, "inner": {"pin": MASK}, "note": n} for n in ("a first one", "another")
    )
    assert told["examples"] == [first, second]
    assert listed["example"] == first
    assert EchoMessage.examples[0]["api"] == SECRETS[0], "the class keeps its own"


@pytest.mark.parametrize(
    "path",
    [
        "/messages/TESTS_ECHO",
        "/messages/TESTS_ECHO?form=json&example=1",
        "/board/dialogs/type?name=TESTS_ECHO&example=1",
    ],
)
def test_the_board_shows_examples_without_secrets(moderator, path) -> None:
    page = moderator.get(path, headers={"Accept": "text/html"})

    assert (page.status_code, "another" in page.text) == (200, True)
    assert not [secret for secret in SECRETS if secret in page.text]


def test_a_form_that_an_example_fills_has_no_masks_in_it(moderator) -> None:
    for form in ("fields", "json"):
        page = moderator.get(f"/messages/TESTS_ECHO?form={form}&example=1").text

        assert f'value="{MASK}"' not in page
        assert f'"{MASK}"' not in page.replace("&#34;", '"').replace("&quot;", '"')
