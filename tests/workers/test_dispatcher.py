import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import structlog
from pydantic import BaseModel

from messages import NoteEnrichmentMessage, TestData, TestMessage
from workers import (
    Completed,
    Context,
    Dead,
    HandlerNotFound,
    PermanentError,
    ResourceUnavailable,
    RetryAfter,
    RetryPolicy,
    around_execution,
    dispatch,
    handles,
)
from workers.registry import separate_registry
from workers.retry import Attempt

MESSAGE = TestMessage(data=TestData(test_type="echo"))


@pytest.fixture(autouse=True)
def _own_handlers():
    with separate_registry():
        yield


def context(reports=None) -> Context:
    return Context(
        job_id=MESSAGE.message_id,
        queue="default",
        attempt=1,
        max_attempts=3,
        make_log=structlog.get_logger,
        report=(reports if reports is not None else []).append,
    )


def outcome(function, *, attempt=1, policy=None):
    handles(TestMessage, retry=policy)(function)
    return dispatch(MESSAGE, Attempt(attempt), context=context())


def test_what_a_handler_returns_is_the_result():
    assert outcome(lambda message: {"type": message.data.test_type}) == Completed({"type": "echo"})


def test_an_async_handler_is_awaited():
    async def handler(message):
        await asyncio.sleep(0)
        return message.data.test_type

    assert outcome(handler) == Completed("echo")


def test_a_handler_that_asks_for_the_context_is_given_it():
    def handler(message, context):
        context.progress(7.5, "nearly")
        return [context.attempt, context.idempotency_key]

    assert outcome(handler) == Completed([1, MESSAGE.message_id])


def test_progress_is_cut_to_a_share():
    reports = []

    def handler(message, context):
        context.progress(7.5, "over")
        context.progress(-1)

    handles(TestMessage)(handler)
    dispatch(MESSAGE, Attempt(1), context=context(reports))

    assert [report.share for report in reports] == [1.0, 0.0]


def test_models_dataclasses_and_dates_become_json():
    class Receipt(BaseModel):
        paid: bool

    @dataclass
    class Box:
        at: datetime

    result = outcome(lambda _: [Receipt(paid=True), Box(datetime(2026, 1, 2, tzinfo=UTC)), {3}])

    assert result == Completed([{"paid": True}, {"at": "2026-01-02T00:00:00Z"}, [3]])


def test_a_result_that_is_not_json_is_dead_and_says_that_the_work_is_done():
    result = outcome(lambda _: object())

    assert isinstance(result, Dead)
    assert "did its work" in str(result.error)


def test_an_error_is_a_value_and_not_raised():
    def handler(message):
        raise ResourceUnavailable("the mail server is down")

    result = outcome(handler)

    assert isinstance(result, RetryAfter)
    assert result.tier == "resource"
    assert result.delay <= timedelta(seconds=2)


def test_the_policy_of_the_handler_decides():
    def handler(message):
        raise KeyError

    result = outcome(handler, attempt=2, policy=RetryPolicy(max_attempts=2))

    assert isinstance(result, Dead)
    assert result.reason == "exhausted"


@pytest.mark.parametrize(
    "error", [SystemExit(2), KeyboardInterrupt(), asyncio.CancelledError(), GeneratorExit()]
)
def test_what_would_end_the_process_is_an_error_of_the_handler(error):
    def handler(message):
        raise error

    assert isinstance(outcome(handler), RetryAfter)


def test_a_type_error_inside_the_handler_is_an_ordinary_error():
    assert isinstance(outcome(lambda _: len(5)), RetryAfter)


def test_middleware_wraps_the_handler_from_the_outside_in():
    calls = []

    @around_execution
    def outer(message, context, call_next):
        calls.append("outer in")
        result = call_next()
        calls.append("outer out")
        return {"wrapped": result}

    @around_execution
    def inner(message, context, call_next):
        calls.append("inner")
        return call_next()

    assert outcome(lambda _: calls.append("handler")) == Completed({"wrapped": None})
    assert calls == ["outer in", "inner", "handler", "outer out"]


def test_what_a_middleware_raises_counts_as_the_handlers_error():
    @around_execution
    def refuse(message, context, call_next):
        raise PermanentError("not today")

    result = outcome(lambda _: None)

    assert isinstance(result, Dead)
    assert str(result.error) == "not today"


def test_a_message_without_a_handler_is_the_workers_fault():
    with pytest.raises(HandlerNotFound, match="NoteEnrichmentMessage"):
        dispatch(NoteEnrichmentMessage.of("note-1"), Attempt(1), context=context())
