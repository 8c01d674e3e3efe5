"""The test kit's time stands still until a test moves it, and jobs run at their own time."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from messages import (
    EmailMessage,
    NoteEnrichmentMessage,
    TestMessage,
)
from tests.workers.kit_ground import EMAIL, a_message, handler_of_test, own_handlers, said
from workers import (
    InvalidOption,
    PermanentError,
    ResourceUnavailable,
    RetryPolicy,
    TransientError,
    enqueue,
    enqueue_in,
    handles,
    utc_now,
)
from workers.testing import Postroom

pytest_plugins = ["workers.testing"]

__all__ = ["handler_of_test", "own_handlers", "said"]


def test_all_retries_of_a_day_take_milliseconds(postroom: Postroom):
    @handles(EmailMessage, retry=RetryPolicy(max_attempts=12, cap=timedelta(hours=4)))
    def send(message: EmailMessage) -> None:
        raise ResourceUnavailable("the mail server is down")

    began, start = postroom.now, time.monotonic()
    enqueue(EMAIL)

    runs = postroom.advance("24h")

    assert [(run.at - began).total_seconds() for run in runs] == [2**n - 2 for n in range(1, 13)]
    postroom.assert_buried(EMAIL, reason="exhausted")
    assert postroom.now - began == timedelta(hours=24)
    assert time.monotonic() - start < 5


def test_everything_runs_at_its_own_time_and_in_order(postroom: Postroom):
    times = []

    @handles(NoteEnrichmentMessage)
    def enrich(message: NoteEnrichmentMessage) -> None:
        times.append((message.data.note_id, (utc_now() - began).total_seconds()))
        if message.data.note_id == "b" and len(times) == 1:
            raise TimeoutError

    began = postroom.now
    enqueue_in(3600, NoteEnrichmentMessage.of("c"))
    enqueue_in(2, NoteEnrichmentMessage.of("a"))
    enqueue_in(1, NoteEnrichmentMessage.of("b"))

    postroom.advance(timedelta(hours=1))

    assert times == [("b", 1), ("a", 2), ("b", 3), ("c", 3600)]


def test_what_is_not_due_yet_stays(postroom: Postroom):
    enqueue_in(timedelta(minutes=5), a_message())

    assert postroom.advance("299s") == []
    assert len(postroom.advance(1)) == 1


def test_the_clock_stands_still_and_a_handler_sees_it(postroom: Postroom):
    @handles(EmailMessage)
    def send(message: EmailMessage) -> list[str]:
        return [datetime.now(UTC).isoformat(), utc_now().isoformat()]

    postroom.advance("90d")
    enqueue(EMAIL)
    postroom.drain()

    assert postroom.assert_completed(EMAIL) == [postroom.now.isoformat()] * 2
    assert postroom.now.timestamp() == time.time()
    assert postroom.now.microsecond == 0


def test_jitter_is_the_whole_back_off_unless_the_test_says_otherwise(postroom: Postroom):
    postroom.fail_next(TestMessage, TimeoutError, times=2)
    message = a_message()
    enqueue(message)

    postroom.drain()
    postroom.assert_retried(message, delay="2s")
    postroom.spread = 0.25
    postroom.advance("2s")

    postroom.assert_retried(message, delay="1s", times=2)


def test_a_transient_error_is_tried_again_without_any_time(postroom: Postroom):
    postroom.fail_next(TestMessage, TransientError("a blip"))
    message = a_message()
    enqueue(message)

    assert [run.outcome for run in postroom.drain()] == ["retried", "completed"]
    postroom.assert_retried(message, delay=0)


def test_a_message_that_waited_for_too_long_is_buried_without_a_run(postroom: Postroom):
    message = a_message()
    enqueue(message, queue_ttl=60)

    postroom.idle("61s")

    assert postroom.drain() == []
    postroom.assert_buried(message, reason="expired")


def test_what_fell_due_while_no_worker_ran_is_run_by_the_next_drain(postroom: Postroom):
    job = enqueue_in(60, a_message())

    postroom.idle("1h")
    waiting = job.status()
    [run] = postroom.drain()

    assert waiting == "scheduled"
    assert run.at == postroom.now


def test_a_unique_key_is_free_again_after_its_window(postroom: Postroom):
    def send():
        return enqueue(a_message(), unique_key="daily", unique_window=timedelta(days=1)).is_new

    assert (send(), send()) == (True, False)
    postroom.advance("25h")
    assert send()
    postroom.assert_enqueued(TestMessage, count=2)


def test_dead_letters_leave_by_age_as_in_production(postroom: Postroom):
    postroom.fail_next(TestMessage, PermanentError("no"))
    message = a_message()
    enqueue(message)
    postroom.drain()
    postroom.assert_buried(message)

    postroom.advance("91d")

    with pytest.raises(AssertionError, match="has no dead letter"):
        postroom.assert_buried(message)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("24h", 86_400), ("1h 30m", 5_400), ("1.5d", 129_600), ("500ms", 0.5), (7, 7), ("0s", 0)],
)
def test_durations_can_be_written_as_one_says_them(postroom: Postroom, written, seconds):
    began = postroom.now

    postroom.advance(written)

    assert (postroom.now - began).total_seconds() == seconds


@pytest.mark.parametrize("written", ["", "24", "h", "1 fortnight", "5x", "1h or so", "-1h", -1])
def test_other_durations_are_refused_with_the_remedy(postroom: Postroom, written):
    with pytest.raises(InvalidOption, match=r"duration is .*(Write it as|Use a timedelta)"):
        postroom.advance(written)
