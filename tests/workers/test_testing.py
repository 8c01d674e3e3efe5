"""The test kit runs messages as a worker does, in a time that the test moves."""

import asyncio
import threading
import time
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

import pytest

from messages import (
    EmailMessage,
    NoteEnrichmentMessage,
    NotificationMessage,
    TestData,
    TestMessage,
)
from workers import (
    Completed,
    Context,
    Dead,
    HandlerNotFound,
    InvalidOption,
    JobFailed,
    Keep,
    PermanentError,
    ResourceUnavailable,
    RetryAfter,
    RetryPolicy,
    TransientError,
    WaitTimeout,
    aenqueue,
    aenqueue_in,
    aenqueue_many,
    enqueue,
    enqueue_in,
    enqueue_many,
    handles,
    keys,
    utc_now,
)
from workers.context import current_message
from workers.registry import separate_registry
from workers.testing import EndlessWork, Postroom, WorkHorseDied, in_memory

pytest_plugins = ["workers.testing"]

EMAIL = EmailMessage.of("ada@example.com", "Hello", "welcome")


@pytest.fixture(autouse=True)
def _own_handlers(monkeypatch):
    monkeypatch.setenv("HANDLER_PACKAGES", "messages")  # a package without handlers
    with separate_registry():
        yield


@pytest.fixture
def said() -> list[str]:
    """What the handler of TEST was asked to do, in order."""
    return []


@pytest.fixture(autouse=True)
def _handler(_own_handlers, said):
    @handles(TestMessage)
    def say(message: TestMessage) -> str:
        said.append(message.data.test_type)
        return message.data.test_type


def a_message(kind: str = "echo") -> TestMessage:
    return TestMessage(data=TestData(test_type=kind))


# --- running ------------------------------------------------------------------------------------


def test_nothing_runs_before_the_test_says_so(postroom: Postroom, said):
    job = enqueue(a_message())
    assert (job.status(), said) == ("queued", [])

    [run] = postroom.drain()

    assert (run.outcome, run.result, run.attempt, run.queue) == ("completed", "echo", 1, "default")
    assert (job.status(), job.result(), said) == ("finished", "echo", ["echo"])


def test_what_a_handler_sends_runs_too_and_knows_its_cause(postroom: Postroom):
    @handles(EmailMessage)
    def send(message: EmailMessage) -> None:
        enqueue(a_message("child"))

    enqueue(EMAIL)

    assert [run.outcome for run in postroom.drain()] == ["completed", "completed"]
    [child] = postroom.enqueued(TestMessage)
    assert (child.causation_id, current_message()) == (EMAIL.message_id, None)


def test_urgent_messages_run_first(postroom: Postroom, said):
    enqueue(a_message("later"), priority="low")
    enqueue(a_message("first"))
    enqueue(a_message("at once"), priority="high")

    postroom.drain()

    assert said == ["at once", "first", "later"]


def test_queues_are_served_in_the_order_of_the_settings(postroom: Postroom, said):
    for queue in ("zoo", "apes", "default", "email"):
        enqueue(a_message(queue), queue=queue)

    postroom.drain()

    assert said == ["email", "default", "apes", "zoo"]


def test_messages_of_a_batch_run_in_their_order(postroom: Postroom, said):
    enqueue_many(a_message(str(number)) for number in range(5))

    postroom.drain()

    assert said == list("01234")


def test_any_number_of_jobs_may_be_due_at_once(postroom: Postroom):
    enqueue_many((a_message() for _ in range(101)), delay=60)

    assert len(postroom.advance("1m")) == 101


def test_a_job_that_waits_for_another_follows_it(postroom: Postroom, said):
    first = enqueue(a_message("first"))
    enqueue(a_message("second"), depends_on=first)

    postroom.drain()

    assert said == ["first", "second"]
    postroom.assert_enqueued(TestMessage, count=2)


def test_a_handler_that_is_async_runs_also_in_an_async_test(postroom: Postroom):
    language = ContextVar("language", default="en")

    @handles(EmailMessage)
    async def send(message: EmailMessage) -> str:
        await asyncio.sleep(0)
        return language.get()

    async def main():
        await aenqueue_many([EMAIL])
        job = await aenqueue(a_message())
        language.set("de")
        assert postroom.perform(EMAIL) == Completed("de")
        postroom.drain()
        return await job.await_result()

    assert asyncio.run(main()) == "echo"
    assert postroom.assert_completed(EMAIL) == "de"


def test_waiting_with_asyncio_runs_what_is_due_too(postroom: Postroom):
    async def main():
        through = [await aenqueue(a_message()), enqueue(a_message())]
        return [await job.await_result() for job in through]

    assert asyncio.run(main()) == ["echo", "echo"]


def test_waiting_with_asyncio_for_what_is_not_due_ends_too(postroom: Postroom):
    async def main():
        await (await aenqueue_in(60, a_message())).await_result()

    with pytest.raises(WaitTimeout, match=r"postroom\.advance"):
        asyncio.run(main())


def test_waiting_for_a_job_runs_what_is_due(postroom: Postroom):
    assert enqueue(a_message()).wait() == "echo"


def test_waiting_for_a_job_that_fails_says_why(postroom: Postroom):
    postroom.fail_next(TestMessage, PermanentError("no such note"))

    with pytest.raises(JobFailed, match="no such note"):
        enqueue(a_message()).wait()


def test_waiting_for_what_is_not_due_ends_with_the_remedy(postroom: Postroom):
    job = enqueue_in(60, a_message())

    with pytest.raises(WaitTimeout, match=r"postroom\.advance"):
        job.wait()


def test_a_handler_may_wait_for_the_job_it_sent(postroom: Postroom):
    @handles(EmailMessage)
    def send(message: EmailMessage) -> str:
        return enqueue(a_message("child")).wait()

    enqueue(EMAIL)
    postroom.drain()

    assert postroom.assert_completed(EMAIL) == "child"


def test_a_job_whose_record_is_not_kept_has_completed_too(postroom: Postroom):
    job = enqueue(a_message(), keep_completed=Keep(count=0))

    postroom.drain()

    assert not postroom.connection.exists(keys.job(job.id))
    postroom.assert_completed(job)
    postroom.assert_enqueued(TestMessage, count=1)


def test_results_may_be_kept_for_no_time(monkeypatch):
    monkeypatch.setenv("RESULT_TTL", "0")
    with in_memory() as postroom:
        job = enqueue(a_message())
        postroom.duplicate_next(TestMessage)

        assert [run.outcome for run in postroom.drain()] == ["completed"]
        postroom.assert_completed(job)


def test_what_a_handler_sends_is_known_even_if_its_record_is_gone(monkeypatch):
    monkeypatch.setenv("RESULT_TTL", "0")

    @handles(EmailMessage)
    def send(message: EmailMessage) -> None:
        enqueue(a_message())

    with in_memory() as postroom:
        enqueue(EMAIL)
        postroom.drain()

        postroom.assert_enqueued(TestMessage, count=1)


def test_work_without_end_is_stopped(postroom: Postroom):
    @handles(EmailMessage)
    def send(message: EmailMessage) -> None:
        enqueue(EmailMessage.of("ada@example.com", "Again", "welcome"))

    enqueue(EMAIL)

    with pytest.raises(EndlessWork, match=r"10 jobs ran, .* raise limit"):
        postroom.drain(limit=10)
    assert len(postroom.runs) == 10


def test_work_that_goes_on_for_ever_in_time_is_stopped_too(postroom: Postroom):
    @handles(EmailMessage)
    def send(message: EmailMessage) -> None:
        enqueue_in(60, EmailMessage.of("ada@example.com", "Again", "welcome"))

    enqueue(EMAIL)

    with pytest.raises(EndlessWork):
        postroom.advance("24h", limit=10)
    assert len(postroom.advance("1h", limit=100)) == 61


def test_a_limit_that_is_just_enough_is_no_error(postroom: Postroom):
    enqueue_many(a_message() for _ in range(3))

    assert len(postroom.drain(limit=3)) == 3


def test_a_message_without_a_handler_is_handed_back(postroom: Postroom):
    enqueue(EMAIL)

    [run] = postroom.drain()
    assert (run.outcome, run.delay) == ("handed_back", timedelta(seconds=30))

    assert {run.outcome for run in postroom.advance("5m")} == {"handed_back"}
    postroom.advance("10m")
    postroom.assert_buried(EMAIL, reason="unknown_type")


def test_what_pytest_raises_in_a_handler_reaches_the_test(postroom: Postroom):
    @handles(EmailMessage)
    def send(message: EmailMessage) -> None:
        pytest.fail("it must not be sent")

    enqueue(EMAIL)

    with pytest.raises(pytest.fail.Exception, match="must not be sent"):
        postroom.drain()


def test_a_thread_of_the_application_reaches_the_same_server(postroom: Postroom):
    thread = threading.Thread(target=enqueue, args=(EMAIL,))
    thread.start()
    thread.join()

    postroom.assert_enqueued(EmailMessage, count=1)


# --- one dispatch -------------------------------------------------------------------------------


def test_perform_says_what_came_of_one_attempt(postroom: Postroom):
    error = ConnectionError("refused")
    assert postroom.perform(a_message("x")) == Completed("x")

    postroom.fail_next(TestMessage, error, times=2)
    again = postroom.perform(a_message(), attempt=2)
    dead = postroom.perform(a_message(), attempt=3)

    assert isinstance(again, RetryAfter)
    assert (again.delay, again.error) == (timedelta(seconds=4), error)
    assert isinstance(dead, Dead)
    assert dead.reason == "exhausted"
    assert postroom.runs == []


def test_perform_gives_the_handler_its_context(postroom: Postroom):
    @handles(EmailMessage, retry=RetryPolicy(max_attempts=7))
    def send(message: EmailMessage, context: Context) -> list[object]:
        context.progress(0.5)
        return [context.idempotency_key, context.queue, context.attempt, context.max_attempts]

    assert postroom.perform(EMAIL, attempt=2) == Completed([EMAIL.message_id, "email", 2, 7])


def test_perform_tells_when_the_work_horse_died(postroom: Postroom):
    postroom.crash_next(TestMessage)

    with pytest.raises(WorkHorseDied):
        postroom.perform(a_message())


def test_perform_needs_a_handler(postroom: Postroom):
    with pytest.raises(HandlerNotFound, match="@handles"):
        postroom.perform(EMAIL)


def test_attempts_are_counted_from_1(postroom: Postroom):
    with pytest.raises(InvalidOption, match="attempt is 0"):
        postroom.perform(a_message(), attempt=0)


# --- the clock ----------------------------------------------------------------------------------


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
    # Time passes without a worker, as when all of them are down.
    postroom._runner.clock.move_to(postroom.now + timedelta(seconds=61))

    assert postroom.drain() == []
    postroom.assert_buried(message, reason="expired")


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


# --- what was enqueued --------------------------------------------------------------------------


def test_what_was_enqueued_is_listed_in_the_order_of_sending(postroom: Postroom):
    other = EmailMessage.of("grace@example.com", "Hello", "welcome")
    enqueue_in(60, other)
    enqueue(a_message())
    enqueue(EMAIL)

    assert postroom.enqueued(EmailMessage) == [other, EMAIL]


def test_it_stays_listed_after_it_ran_and_its_record_is_gone(postroom: Postroom):
    job = enqueue(a_message())
    postroom.advance("10d")

    assert postroom.connection.keys(f"*{job.id}*") == []
    postroom.assert_enqueued(TestMessage, count=1)
    assert postroom.assert_completed(job) == "echo"


def test_the_same_message_sent_twice_counts_once(postroom: Postroom):
    enqueue(EMAIL)
    enqueue(EMAIL)

    assert postroom.assert_enqueued(EmailMessage, count=1) == [EMAIL]


def test_messages_are_told_apart_by_content_and_queue(postroom: Postroom):
    enqueue(EMAIL, priority="high")
    enqueue(EmailMessage.of("grace@example.com", "Hello", "welcome"), queue="bulk")

    postroom.assert_enqueued(EmailMessage, where=lambda m: m.data.to == "ada@example.com", count=1)
    postroom.assert_enqueued(EmailMessage, queue="email", count=1)
    postroom.assert_enqueued(EmailMessage, queue="bulk", count=1)
    postroom.assert_not_enqueued(EmailMessage, where=lambda m: m.data.template == "bill")
    postroom.assert_not_enqueued(EmailMessage, queue="default")
    postroom.assert_not_enqueued(NotificationMessage)


def test_a_wrong_number_of_messages_is_told_with_what_was_enqueued(postroom: Postroom):
    enqueue(EMAIL)
    enqueue(a_message("other"))

    with pytest.raises(AssertionError) as failure:
        postroom.assert_enqueued(EmailMessage, where=lambda m: m.data.to == "x", queue="email")

    text = str(failure.value)
    first = "Expected at least one EmailMessage in queue email that fits `where`, found 0."
    assert text.startswith(first)
    assert "EMAIL in queue email: EmailData(to='ada@example.com'" in text
    assert "TEST in queue default: TestData(test_type='other'" in text


def test_a_message_too_many_is_told_too(postroom: Postroom):
    enqueue(EMAIL)

    with pytest.raises(AssertionError, match="Expected no EmailMessage, found 1"):
        postroom.assert_not_enqueued(EmailMessage)
    with pytest.raises(AssertionError, match="Expected 2 EmailMessage, found 1"):
        postroom.assert_enqueued(EmailMessage, count=2)


def test_a_test_that_enqueued_nothing_is_told_so(postroom: Postroom):
    with pytest.raises(AssertionError, match="nothing was enqueued"):
        postroom.assert_enqueued(EmailMessage)
