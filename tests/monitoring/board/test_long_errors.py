"""An error of thousands of characters fills no page."""

from tests.board.failed import group_of
from tests.monitoring.board.conftest import Read
from tests.workers.failing import Failing, raised


def test_a_finding_and_a_sentence_quote_the_begin_of_an_error(read: Read, redis) -> None:
    failing = Failing(redis)
    job_id = failing.died(raised("y" * 3_000))
    assert group_of(redis, "EMAIL")

    for path in ("/", "/queues/email", f"/jobs/{job_id}"):
        sentence = read(path).partition("What happened to it")[0]
        assert "y" * 100 in sentence, path
        assert "y" * 301 not in sentence, path
