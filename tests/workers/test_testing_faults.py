"""What goes wrong on purpose in the test kit, and what it leads to."""

import pytest
from rq.timeouts import JobTimeoutException

from messages import EmailMessage, TestData, TestMessage
from workers import (
    Context,
    HandlerNotFound,
    InvalidOption,
    InvalidState,
    PermanentError,
    RetryPolicy,
    enqueue,
    enqueue_in,
    handles,
    on,
    on_dead,
)
from workers.registry import separate_registry
from workers.testing import Postroom

pytest_plugins = ["workers.testing"]

MESSAGE = TestMessage(data=TestData(test_type="echo"))


@pytest.fixture(autouse=True)
def _own_handlers(monkeypatch):
    monkeypatch.setenv("HANDLER_PACKAGES", "messages")  # a package without handlers
    with separate_registry():
        yield


@pytest.fixture
def effects() -> list[str]:
    """What the handler of TEST did; it does it once a message, however often it runs."""
    return []


@pytest.fixture(autouse=True)
def attempts(_own_handlers, effects) -> list[int]:
    seen = []

    @handles(TestMessage)
    def act_once(message: TestMessage, context: Context) -> str:
        seen.append(context.attempt)
        if message.message_id not in effects:
            effects.append(message.message_id)
        return "done"

    return seen


# --- errors -------------------------------------------------------------------------------------


def test_the_next_calls_fail_and_the_one_after_runs(postroom: Postroom, attempts):
    postroom.fail_next(TestMessage, TimeoutError("too slow"), times=2)
    job = enqueue(MESSAGE)

    runs = postroom.advance("1m")

    assert [run.outcome for run in runs] == ["retried", "retried", "completed"]
    assert [run.error for run in runs] == ["too slow", "too slow", ""]
    assert attempts == [3]
    postroom.assert_retried(job, times=2, delay="4s")


def test_a_failure_is_judged_by_the_policy_of_the_handler(postroom: Postroom):
    @handles(EmailMessage, retry=RetryPolicy(max_attempts=1))
    def send(message: EmailMessage) -> None:
        raise AssertionError

    message = EmailMessage.of("ada@example.com", "Hello", "welcome")
    postroom.fail_next(EmailMessage, ConnectionError("refused"))
    enqueue(message)

    postroom.drain()

    letter = postroom.assert_buried(message, reason="exhausted")
    assert letter.error == "ConnectionError: refused"


def test_a_timeout_leads_to_what_it_leads_to_in_production(postroom: Postroom):
    postroom.fail_next(TestMessage, JobTimeoutException("180 s are over"), times=3)
    enqueue(MESSAGE)

    postroom.advance("1m")

    postroom.assert_buried(MESSAGE, reason="timeout")


def test_hooks_run_as_in_production(postroom: Postroom):
    seen = []
    for name in ("started", "retried", "completed", "dead"):
        on(name)(lambda *_, name=name: seen.append(name))
    on_dead(TestMessage)(lambda _, letter: seen.append(letter.reason))
    postroom.fail_next(TestMessage, TimeoutError)
    enqueue(MESSAGE)
    postroom.advance("2s")
    postroom.fail_next(TestMessage, PermanentError("no"))
    enqueue(MESSAGE.model_copy(update={"message_id": "other"}))
    postroom.drain()

    assert seen == ["started", "retried", "started", "completed", "started", "permanent", "dead"]


# --- crashes ------------------------------------------------------------------------------------


def test_a_crash_after_the_effect_runs_the_handler_again(postroom: Postroom, attempts, effects):
    postroom.crash_next(TestMessage)
    enqueue(MESSAGE)

    assert [run.outcome for run in postroom.advance("1s")] == ["crashed", "completed"]
    assert attempts == [1, 1]
    assert effects == [MESSAGE.message_id]


def test_a_crash_before_the_effect_leaves_none(postroom: Postroom, attempts, effects):
    postroom.crash_next(TestMessage, when="before")
    enqueue(MESSAGE)

    postroom.drain()
    assert effects == []
    postroom.advance("1s")
    assert attempts == [1]


def test_three_crashes_bury_the_message(postroom: Postroom):
    postroom.crash_next(TestMessage, times=3)
    enqueue(MESSAGE)

    postroom.advance("1m")

    letter = postroom.assert_buried(MESSAGE, reason="crash_loop")
    assert letter.error.endswith("The work horse died, as crash_next() asked.")
    with pytest.raises(AssertionError, match="was not retried"):
        postroom.assert_retried(MESSAGE)


def test_an_async_handler_has_its_effect_before_the_crash(postroom: Postroom):
    seen = []

    @handles(EmailMessage)
    async def send(message: EmailMessage) -> None:
        seen.append(message.data.to)

    postroom.crash_next(EmailMessage)
    enqueue(EmailMessage.of("ada@example.com", "Hello", "welcome"))

    assert [run.outcome for run in postroom.drain()] == ["crashed"]
    assert seen == ["ada@example.com"]


# --- delivered twice ----------------------------------------------------------------------------


def test_a_message_is_delivered_twice_in_one_line(postroom: Postroom, attempts, effects):
    postroom.duplicate_next(TestMessage)
    enqueue(MESSAGE)
    enqueue(MESSAGE.model_copy(update={"message_id": "other"}))

    assert [run.job_id for run in postroom.drain()] == [MESSAGE.message_id] * 2 + ["other"]
    assert attempts == [1, 1, 1]
    assert effects == [MESSAGE.message_id, "other"]


def test_the_second_delivery_waits_for_a_first_that_succeeds(postroom: Postroom):
    postroom.duplicate_next(TestMessage)
    postroom.fail_next(TestMessage, TimeoutError)
    enqueue(MESSAGE)

    assert [run.outcome for run in postroom.drain()] == ["retried"]
    assert [run.outcome for run in postroom.advance("2s")] == ["completed", "completed"]


def test_a_message_is_delivered_again_as_late_as_the_test_likes(
    postroom: Postroom, attempts, effects
):
    job = enqueue(MESSAGE)
    postroom.drain()
    postroom.advance("1h")
    other = enqueue(MESSAGE.model_copy(update={"message_id": "other"}))

    assert [run.job_id for run in postroom.deliver_again(job)] == [job.id, other.id]
    assert attempts == [1, 1, 1]
    assert effects == [job.id, other.id]


# --- slips of the test itself -------------------------------------------------------------------


@pytest.mark.parametrize("plan", ["fail", "crash", "duplicate"])
def test_a_plan_for_a_type_without_a_handler_is_refused(postroom: Postroom, plan):
    plans = {
        "fail": lambda: postroom.fail_next(EmailMessage, TimeoutError()),
        "crash": lambda: postroom.crash_next(EmailMessage),
        "duplicate": lambda: postroom.duplicate_next(EmailMessage),
    }

    with pytest.raises(HandlerNotFound, match="EmailMessage has no handler"):
        plans[plan]()


def test_a_plan_for_no_time_at_all_is_refused(postroom: Postroom):
    with pytest.raises(InvalidOption, match="times is 0"):
        postroom.fail_next(TestMessage, TimeoutError(), times=0)


@pytest.mark.parametrize(
    ("sent", "error"),
    [(True, r"is scheduled, not finished.*advance"), (False, r"no record of job.*is kept")],
)
def test_only_what_has_completed_can_be_delivered_again(postroom: Postroom, sent, error):
    if sent:
        enqueue_in(60, MESSAGE)

    with pytest.raises(InvalidState, match=error):
        postroom.deliver_again(MESSAGE)
    assert postroom.drain() == []
