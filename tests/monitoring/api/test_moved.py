"""Addresses that requirement 003 names lead to the places that do their work."""

import pytest


@pytest.mark.parametrize(
    ("path", "place"),
    [("/queue-test", "/messages"), ("/queue-monitor", "/"), ("/admin/queues", "/rq/")],
)
def test_an_address_leads_to_its_place(admin, path: str, place: str) -> None:
    answer = admin.get(path, follow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (307, place)


def test_a_type_that_nobody_knows_is_told(moderator) -> None:
    answer = moderator.get("/messages/NONE_SUCH")

    assert answer.status_code == 404
    assert "There is no message type" in answer.text
