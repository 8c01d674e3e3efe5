"""What a test plans to go wrong: errors, dead work horses and messages delivered twice."""

import asyncio
import inspect
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial, wraps
from typing import Any, Literal

import pytest

from messages import Message
from workers import registry
from workers.context import Context
from workers.dispatcher import Completed, Outcome, dispatch
from workers.registry import Handler
from workers.retry import Attempt, RetryPolicy

Call = Callable[[], Any]
Fault = Callable[[Call], Any]
"""Is given the handler's call, and does something else or something more."""


class WorkHorseDied(BaseException):
    """Stands for the death of the process that runs a handler; no handler can catch it as an error.

    `perform` raises it; `drain` and `advance` do what a worker does about it.
    """


FOR_THE_TEST: tuple[type[BaseException], ...] = (
    KeyboardInterrupt,
    pytest.exit.Exception,
    pytest.fail.Exception,
    pytest.skip.Exception,
)
"""What is raised in a handler and means the test: no error of the handler."""


def dispatch_or_die(
    message: Message,
    attempt: Attempt,
    *,
    context: Context | None,
    policy: RetryPolicy | None = None,
) -> Outcome:
    """As `dispatch`, which judges whatever a handler raises; a dead process judges nothing.

    Raises:
        WorkHorseDied: If a crash was planned; also what is meant for the test.
    """
    outcome = dispatch(message, attempt, context=context, policy=policy)
    if not isinstance(outcome, Completed) and isinstance(
        outcome.error, (WorkHorseDied, *FOR_THE_TEST)
    ):
        raise outcome.error
    return outcome


@dataclass
class Faults:
    """The plan of one test: per message type, what happens to the next calls of its handler."""

    _calls: defaultdict[type[Message], deque[Fault]] = field(
        default_factory=lambda: defaultdict(deque)
    )
    _second_deliveries: Counter[type[Message]] = field(default_factory=Counter)

    def fail(self, kind: type[Message], error: Exception | type[Exception], times: int) -> None:
        """Plan errors in place of the handler's next calls."""
        self._plan(kind, partial(_raise, error), times)

    def crash(self, kind: type[Message], when: Literal["before", "after"], times: int) -> None:
        """Plan deaths of the process, before or after the handler has had its effect."""
        self._plan(kind, _die_before if when == "before" else _die_after, times)

    def duplicate(self, kind: type[Message], times: int) -> None:
        """Plan second deliveries of the next messages that succeed."""
        registry.handler_for(kind)
        self._second_deliveries[kind] += times

    def takes_second_delivery(self, kind: type[Message]) -> bool:
        """Whether one is planned; it is then used up."""
        if self._second_deliveries[kind] <= 0:
            return False
        self._second_deliveries[kind] -= 1
        return True

    def handler_for(self, kind: type[Message]) -> Handler:
        """As the registry's, with what is planned around the function."""
        handler = registry.handler_for(kind)
        return replace(handler, function=self._watched(handler))

    def _plan(self, kind: type[Message], fault: Fault, times: int) -> None:
        registry.handler_for(kind)  # a plan for a type that nobody handles is a slip of the test
        self._calls[kind].extend([fault] * times)

    def _watched(self, handler: Handler) -> Callable[..., Any]:
        @wraps(handler.function)
        def function(*arguments: Any) -> Any:
            call = partial(handler.function, *arguments)
            planned = self._calls[handler.message]
            return planned.popleft()(call) if planned else call()

        return function


def _raise(error: Exception | type[Exception], _: Call) -> Any:
    raise error


def _die_before(_: Call) -> Any:
    raise WorkHorseDied


def _die_after(call: Call) -> Any:
    result = call()
    if inspect.iscoroutine(result):
        asyncio.run(result)
    raise WorkHorseDied
