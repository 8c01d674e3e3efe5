"""Jobs of which something cannot be read are shown as far as they can be."""

import pytest
from rq import Queue, SimpleWorker

from tests.processes import StartProcess


@pytest.fixture
def pickled(redis) -> str:
    """A job that stock RQ stored and ran, with its own serializer."""
    queue = Queue("pickled", connection=redis)
    job = queue.enqueue("math.sqrt", 2)
    SimpleWorker([queue], connection=redis).work(burst=True)
    return job.id


def test_a_result_that_is_no_json_is_named_and_never_read(moderator, pickled) -> None:
    for path in (f"/api/jobs/{pickled}", f"/api/jobs/{pickled}/status"):
        told = moderator.get(path).json()

        assert (told["status"], told["queue"], told["result"]) == ("finished", "pickled", None)
        assert told["resultError"].startswith(f"What job {pickled} returned is not JSON.")


def test_the_page_of_a_job_says_that_its_result_is_no_json(moderator, pickled) -> None:
    page = moderator.get(f"/jobs/{pickled}", headers={"Accept": "text/html"})

    assert (page.status_code, "returned is not JSON" in page.text) == (200, True)


def test_the_command_line_says_that_a_result_is_no_json(pickled, start_warm: StartProcess) -> None:
    shown = start_warm("postroom", "job", pickled)

    shown.wait_for("returned is not JSON", within=20)
