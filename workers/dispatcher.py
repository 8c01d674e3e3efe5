"""Runs one message's handler and says what came of it. Knows neither RQ nor Redis.

Both lanes call `dispatch` and translate its outcome; the retry rules are applied here, once.
"""

import asyncio
import inspect
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from pydantic_core import PydanticSerializationError, to_jsonable_python
from rq.timeouts import JobTimeoutException

from messages import Message
from workers.context import Context
from workers.errors import PermanentError
from workers.logger import get_logger
from workers.registry import Handler, execution_middleware, handler_for
from workers.retry import Again, Attempt, RetryPolicy

log = get_logger("postroom.dispatcher")


@dataclass(frozen=True)
class Completed:
    """The handler returned; `result` is JSON data."""

    result: Any = None


@dataclass(frozen=True)
class RetryAfter:
    """Try again after `delay`; zero means at once."""

    delay: timedelta
    error: BaseException
    tier: str
    why: str


@dataclass(frozen=True)
class Dead:
    """Never try again."""

    error: BaseException
    reason: str
    why: str


Outcome = Completed | RetryAfter | Dead

_NOTHING = Completed()


def dispatch(
    message: Message,
    attempt: Attempt,
    *,
    context: Context | None,
    policy: RetryPolicy | None = None,
) -> Outcome:
    """Run the handler of a message.

    Args:
        message: What to handle.
        attempt: Which try this is.
        context: What the handler is given if it asks; None if nobody does: `needs_context` says.
        policy: The retry policy; None means the handler's own.

    Returns:
        What came of it. Errors of the handler are part of that, not raised.

    Raises:
        HandlerNotFound: If no handler is registered: a fault of this worker, not of the message.
    """
    handler = handler_for(type(message))
    try:
        if context is not None and execution_middleware():
            result = _through_middleware(handler, message, context)
        else:
            result = _call(handler, message, context)
        return _NOTHING if result is None else Completed(_json(result, handler))
    except BaseException as error:  # noqa: BLE001 - the one place where every error of a handler is judged
        return judge(error, attempt, policy or handler.retry)


async def adispatch(
    message: Message,
    attempt: Attempt,
    *,
    context: Context | None,
    policy: RetryPolicy,
    limit: float,
) -> Outcome:
    """As `dispatch`, for an `async def` handler without middleware, in the running event loop.

    Args:
        message: What to handle.
        attempt: Which try this is.
        context: What the handler is given if it asks.
        policy: The retry policy.
        limit: Seconds that it may take; 0 means as long as it likes.

    Returns:
        What came of it.

    Raises:
        asyncio.CancelledError: If the run was cancelled from outside.
    """
    handler = handler_for(type(message))
    try:
        async with asyncio.timeout(limit or None) as clock:
            function = handler.function
            result = function(message, context) if handler.wants_context else function(message)
            if inspect.isawaitable(result):
                result = await result
        return _NOTHING if result is None else Completed(_json(result, handler))
    except BaseException as error:  # as in `dispatch`
        if isinstance(error, asyncio.CancelledError) and _is_cancelled_from_outside():
            raise
        return judge(_late(limit) if clock.expired() else error, attempt, policy)


def _is_cancelled_from_outside() -> bool:
    # A handler may also wait for something that was cancelled: that is an error like any other.
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _late(limit: float) -> JobTimeoutException:
    return JobTimeoutException(f"The job took longer than its {limit:g} s.")


def judge(error: BaseException, attempt: Attempt, policy: RetryPolicy) -> RetryAfter | Dead:
    """What an error means for a message.

    Args:
        error: What its handler raised; `sys.exit()` in a handler is an error like any other.
        attempt: The attempt that failed.
        policy: The retry policy.

    Returns:
        Whether, when and why it is tried again.
    """
    decision = policy.decide(attempt, error)
    if isinstance(decision, Again):
        return RetryAfter(decision.delay, error, decision.tier.value, decision.why)
    return Dead(error, decision.reason, decision.why)


def _through_middleware(handler: Handler, message: Message, context: Context) -> Any:
    call = partial(_call, handler, message, context)
    for middleware in reversed(execution_middleware()):
        call = partial(middleware, message, context, call)
    return call()


def _call(handler: Handler, message: Message, context: Context | None) -> Any:
    function = handler.function
    result = function(message, context) if handler.wants_context else function(message)
    if result is None:  # what most handlers return
        return None
    return asyncio.run(result) if inspect.iscoroutine(result) else result


def _json(result: Any, handler: Handler) -> Any:
    try:
        return to_jsonable_python(result, by_alias=True, inf_nan_mode="strings")
    except (PydanticSerializationError, ValueError) as error:
        raise PermanentError(
            f"{handler.function.__qualname__} did its work, but returned something that is not "
            f"JSON: {error}"
        ) from error
