"""What a page says that cannot be shown."""

import pytest

from tests.monitoring.board.conftest import Read


@pytest.mark.parametrize("path", ["/queues/none", "/jobs/none", "/queues?page=x"])
def test_what_does_not_pass_is_not_waited_for(read: Read, path: str) -> None:
    assert "asks again by itself, and shows" not in read(path)


def test_who_is_nowhere_is_not_sent_to_the_api(read: Read) -> None:
    assert "Go on from the overview." in read("/nowhere")
