"""The test kit runs one message in a line: through a queue, or its handler alone."""

import asyncio
from datetime import timedelta

import pytest

from messages import (
    EmailMessage,
    TestMessage,
)
from tests.workers.kit_ground import EMAIL, a_message, handler_of_test, own_handlers, said
from workers import (
    Completed,
    Context,
    Dead,
    HandlerNotFound,
    InvalidOption,
    InvalidState,
    Progress,
    RetryAfter,
    RetryPolicy,
    enqueue,
    handles,
    keys,
)
from workers.testing import Postroom, WorkHorseDied

pytest_plugins = ["workers.testing"]

__all__ = ["handler_of_test", "own_handlers", "said"]


# --- in a line ----------------------------------------------------------------------------------


def test_one_message_is_sent_and_run_in_a_line(postroom: Postroom, said):
    message = a_message("hello")

    assert postroom.run(message) == "hello"
    assert said == ["hello"]
    assert [run.job_id for run in postroom.runs] == [message.message_id]
    postroom.assert_enqueued(TestMessage, count=1)


def test_a_message_that_was_sent_before_is_not_run_silently_again(postroom: Postroom, said):
    message = a_message()
    postroom.run(message)

    with pytest.raises(InvalidState, match=r"sent before.* postroom\.deliver_again"):
        postroom.run(message)
    assert said == ["echo"]


def test_an_async_test_runs_a_message_in_a_line_too(postroom: Postroom):
    @handles(EmailMessage)
    async def send(message: EmailMessage) -> str:
        await asyncio.sleep(0)
        return message.data.to

    async def main():
        return postroom.run(EMAIL)

    assert asyncio.run(main()) == "ada@example.com"


def test_what_a_handler_reported_is_known_over_all_its_runs(postroom: Postroom):
    @handles(EmailMessage)
    def send(message: EmailMessage, context: Context) -> None:
        context.progress(0.5, f"attempt {context.attempt}")
        if context.attempt == 1:
            raise TimeoutError
        context.progress(1)

    enqueue(EMAIL)
    postroom.advance("1m")
    postroom.perform(EMAIL, attempt=3)

    assert postroom.progress(EMAIL) == (
        *(Progress(0.5, "attempt 1"), Progress(0.5, "attempt 2"), Progress(1.0)),
        *(Progress(0.5, "attempt 3"), Progress(1.0)),
    )
    assert postroom.progress(a_message()) == ()


def test_progress_is_also_kept_with_the_job_as_in_production(postroom: Postroom):
    @handles(EmailMessage)
    def send(message: EmailMessage, context: Context) -> None:
        context.progress(0.25, "a quarter")

    postroom.run(EMAIL)

    stored = postroom.connection.hgetall(keys.progress(EMAIL.message_id))
    assert stored == {b"share": b"0.25", b"note": b"a quarter"}


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
