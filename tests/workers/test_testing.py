"""The test kit runs messages as a worker does."""

import asyncio
import threading
from contextvars import ContextVar
from datetime import timedelta

import pytest

from messages import (
    EmailMessage,
    TestMessage,
)
from tests.workers.kit_ground import EMAIL, a_message, handler_of_test, own_handlers, said
from workers import (
    Completed,
    JobFailed,
    Keep,
    PermanentError,
    WaitTimeout,
    aenqueue,
    aenqueue_in,
    aenqueue_many,
    enqueue,
    enqueue_in,
    enqueue_many,
    handles,
    keys,
)
from workers.context import current_message
from workers.testing import EndlessWork, Postroom, in_memory

pytest_plugins = ["workers.testing"]

__all__ = ["handler_of_test", "own_handlers", "said"]


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
