"""What the assertions of the test kit accept, and what they say when they fail."""

import pytest

from messages import EmailMessage, NotificationMessage, TestData, TestMessage
from workers import PermanentError, TransientError, enqueue, enqueue_in, handles
from workers.registry import separate_registry
from workers.testing import Postroom

pytest_plugins = ["workers.testing"]

MESSAGE = TestMessage(data=TestData(test_type="echo"))
EMAIL = EmailMessage.of("ada@example.com", "Hello", "welcome")


@pytest.fixture(autouse=True)
def _own_handlers(monkeypatch):
    monkeypatch.setenv("HANDLER_PACKAGES", "messages")  # a package without handlers
    with separate_registry():
        yield


@pytest.fixture(autouse=True)
def _handler(_own_handlers):
    @handles(TestMessage)
    def echo(message: TestMessage) -> str:
        return message.data.test_type


def a_message(kind: str = "echo") -> TestMessage:
    return TestMessage(data=TestData(test_type=kind))


def failure_of(check) -> str:
    with pytest.raises(AssertionError) as failure:
        check()
    return str(failure.value)


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


# --- what became of a job -----------------------------------------------------------------------


def test_a_job_that_did_not_complete_is_shown_with_its_runs_and_the_traceback(
    postroom: Postroom,
):
    @handles(EmailMessage)
    def send(message: EmailMessage) -> None:
        raise KeyError("address")

    message = EmailMessage.of("ada@example.com", "Hello", "welcome")
    job = enqueue(message)
    postroom.drain()

    text = failure_of(lambda: postroom.assert_completed(job))
    assert text.startswith(f"Job {job.id} has not completed.\nThis is what happened to it:")
    assert "attempt 1 at " in text
    assert ": retried: 'address' (exponential back-off of at most 2 s), again after 2 s" in text
    assert 'raise KeyError("address")' in text


def test_a_job_that_did_not_run_is_shown_with_the_remedy(postroom: Postroom):
    job = enqueue_in(60, MESSAGE)

    text = failure_of(lambda: postroom.assert_completed(job))
    assert "It has not run: it is scheduled until 2" in text
    assert "postroom.advance(...) moves time" in text


def test_a_message_that_was_never_sent_is_told_apart(postroom: Postroom):
    text = failure_of(lambda: postroom.assert_completed(MESSAGE))

    assert text.endswith("There is no job with this id: was its message enqueued?")


def test_a_burial_before_a_start_is_shown(postroom: Postroom):
    enqueue(MESSAGE, queue_ttl=1)
    postroom.idle("365d")
    postroom.drain()

    text = failure_of(lambda: postroom.assert_completed(MESSAGE.message_id))
    assert "buried before a start: It waited in its queue" in text
    assert text.endswith("(expired)")


def test_wrong_retries_are_told(postroom: Postroom):
    postroom.fail_next(TestMessage, TimeoutError())
    enqueue(MESSAGE)
    postroom.advance("1m")

    for times in (0, 2):
        text = failure_of(lambda times=times: postroom.assert_retried(MESSAGE, times=times))
        assert f"was retried 1x, not {times}x" in text
    assert "was not retried after 3 s" in failure_of(
        lambda: postroom.assert_retried(MESSAGE, delay="3s")
    )
    postroom.assert_retried(MESSAGE)


def test_a_wrong_reason_of_a_burial_is_told(postroom: Postroom):
    postroom.fail_next(TestMessage, PermanentError("no"))
    enqueue(MESSAGE)
    postroom.drain()

    text = failure_of(lambda: postroom.assert_buried(MESSAGE, reason="exhausted"))
    assert "was buried as 'permanent', not 'exhausted'" in text


def test_a_job_without_any_retry_is_told(postroom: Postroom):
    enqueue(MESSAGE)
    postroom.drain()

    for check in (
        lambda: postroom.assert_retried(MESSAGE),
        lambda: postroom.assert_retried(MESSAGE, delay="2s", match="no answer"),
    ):
        text = failure_of(check)
        assert text.startswith(f"Job {MESSAGE.message_id} was not retried.\n")
        assert ": completed" in text
    postroom.assert_retried(MESSAGE, times=0)
    assert "was not retried after 2 s" in failure_of(
        lambda: postroom.assert_retried(MESSAGE, times=0, delay="2s")
    )


def test_a_job_that_was_not_buried_is_told(postroom: Postroom):
    enqueue(MESSAGE)
    postroom.drain()

    text = failure_of(lambda: postroom.assert_buried(MESSAGE))
    assert text.startswith(f"Job {MESSAGE.message_id} has no dead letter.\n")


def test_another_error_of_the_newest_retry_is_told(postroom: Postroom):
    postroom.fail_next(TestMessage, TimeoutError("too slow"))
    postroom.fail_next(TestMessage, TransientError("a blip (again)"))
    enqueue(MESSAGE)
    postroom.advance("1m")

    postroom.assert_retried(MESSAGE, match=r"blip \(again\)$")
    text = failure_of(lambda: postroom.assert_retried(MESSAGE, match="too slow"))
    assert "was not retried for an error that matches 'too slow'" in text
    assert "too slow" in text.split("\n", 1)[1]  # what happened is shown whole
    assert "that matches 'x'" in failure_of(
        lambda: postroom.assert_retried(EMAIL, times=0, match="x")
    )


def test_another_error_of_a_burial_is_told(postroom: Postroom):
    postroom.fail_next(TestMessage, PermanentError("no such note"))
    enqueue(MESSAGE)
    postroom.drain()

    letter = postroom.assert_buried(MESSAGE, reason="permanent", match="such n.te")
    text = failure_of(lambda: postroom.assert_buried(MESSAGE, match="no such user"))
    assert letter.error == "PermanentError: no such note"
    assert "was not buried for an error that matches 'no such user'" in text
    assert "PermanentError: no such note" in text or "buried: no such note" in text


def test_a_run_that_does_not_complete_fails_the_test_with_what_happened(postroom: Postroom):
    postroom.fail_next(TestMessage, KeyError("address"))

    text = failure_of(lambda: postroom.run(MESSAGE))
    assert text.startswith(f"Job {MESSAGE.message_id} has not completed.")
    assert "retried: 'address'" in text
