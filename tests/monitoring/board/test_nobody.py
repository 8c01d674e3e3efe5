"""Where no worker runs, no page says that all is well."""

from monitoring.queues.snapshot import queue_lists
from tests.monitoring.board.conftest import Read

SAID = "No worker runs, so nothing that is sent starts."


def test_without_a_worker_the_overview_says_so_and_no_queue_is_healthy(read: Read) -> None:
    overview = read("/")

    assert SAID in overview
    assert "Nothing else needs you." in overview
    assert "Healthy" not in overview
    assert "postroom worker" in overview
    assert f"Queues {SAID}" in read("/queues")


def test_with_a_worker_all_is_well(read: Read, redis, register) -> None:
    register(redis, *queue_lists("email"))

    assert "All is well. 1 worker serves" in read("/")
