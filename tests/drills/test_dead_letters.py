"""Twelve thousand failures at a limit of ten thousand: none is lost, and none runs twice."""

import json
from multiprocessing.pool import ThreadPool

import pytest

from tests.workers.letters import email
from workers import By, dead_letters, keys
from workers.burial import Death, bury_job
from workers.clock import utc_now
from workers.dead_letters import Filter, import_letters, spill_files
from workers.dead_letters.letter import letter_of
from workers.settings import load_settings

pytestmark = pytest.mark.drill

FAILURES = 12_000
LIMIT = 10_000
BY = By("ada", "drill")


@pytest.fixture
def spill(tmp_path, monkeypatch):
    path = tmp_path / "dead.jsonl"
    monkeypatch.setenv("DEAD_LETTER_LIMIT", str(LIMIT))
    monkeypatch.setenv("DEAD_LETTER_SPILL", str(path))
    load_settings.cache_clear()
    return path


@pytest.fixture
def failures(redis, spill):
    """Buried by four at once, each failure by two of them; returns the ids."""
    messages = [email(number) for number in range(FAILURES)]

    def bury(message):
        sent = message.model_dump(mode="json", by_alias=True)
        death = Death(message.message_id, "email", "exhausted", "it is down", sent)
        return bury_job(death, meta={}, now=utc_now(), connection=redis)

    with ThreadPool(4) as pool:
        stored = pool.map(bury, [message for message in messages for _ in range(2)])
    assert sum(stored) == FAILURES
    return {message.message_id for message in messages}


def spilled_lines(spill):
    return [line for file in spill_files(spill) for line in file.read_text().splitlines()]


def test_of_twelve_thousand_failures_at_a_limit_of_ten_thousand_all_are_found(
    redis, spill, failures
):
    listed = [each.job_id for each in dead_letters.matching(Filter(), connection=redis)]
    in_file = {json.loads(line)["job_id"] for line in spilled_lines(spill)}

    assert len(listed) == FAILURES
    assert set(listed) == failures
    assert len(in_file) == dead_letters.count_spilled(connection=redis) == FAILURES - LIMIT
    found = import_letters(spilled_lines(spill), connection=redis, by=BY)
    assert found.restored == FAILURES - LIMIT
    texts = redis.mget([keys.dead_letter(job_id) for job_id in failures])
    assert {letter_of(text).envelope["messageId"] for text in texts} == failures


def test_after_all_are_replayed_the_spill_file_brings_none_of_them_back(redis, spill, failures):
    import_letters(spilled_lines(spill), connection=redis, by=BY)

    done = dead_letters.replay_all(Filter(), connection=redis, by=BY)
    again = import_letters(spilled_lines(spill), connection=redis, by=BY)

    assert set(done.job_ids) == failures
    assert (again.imported, again.restored, again.replayed) == (0, 0, FAILURES - LIMIT)
    assert dead_letters.count(connection=redis) == 0
    assert redis.llen(keys.queue("email")) == FAILURES
