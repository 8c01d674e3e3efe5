"""What the application registers: handlers, middleware and hooks. Filled by import only.

The one mutable module of the engine. A worker fills it by importing HANDLER_PACKAGES when it
starts; producers never import a handler.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload

from rq.timeouts import BaseTimeoutException

from messages import Message
from workers.errors import DuplicateHandler, HandlerNotFound, InvalidOption
from workers.logger import get_logger
from workers.retry import RetryPolicy

if TYPE_CHECKING:
    from workers.context import Context
    from workers.dead_letters.letter import DeadLetter
    from workers.options import EnqueueOptions

log = get_logger("postroom.registry")

M = TypeVar("M", bound=Message)
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])

HookName = Literal["started", "completed", "retried", "dead", "worker_started", "worker_stopped"]
HOOK_NAMES: tuple[HookName, ...] = (
    "started",
    "completed",
    "retried",
    "dead",
    "worker_started",
    "worker_stopped",
)

ExecutionMiddleware = Callable[[Message, "Context", Callable[[], Any]], Any]
EnqueueMiddleware = Callable[[Message, "EnqueueOptions"], "tuple[Message, EnqueueOptions]"]


@dataclass(frozen=True)
class Handler:
    """One registered handler.

    Args:
        message: The class it handles.
        function: `def` or `async def`; takes the message and, if it asks for it, the context.
            Any: its argument is a subclass of Message, which a common type cannot say.
        retry: Its policy.
        wants_context: Whether it has a second parameter, the context.
    """

    message: type[Message]
    function: Callable[..., Any]
    retry: RetryPolicy
    wants_context: bool


@dataclass
class _Registered:
    handlers: dict[type[Message], Handler] = field(default_factory=dict)
    hooks: dict[HookName, list[Callable[..., None]]] = field(default_factory=dict)
    dead_hooks: dict[type[Message], list[Callable[..., None]]] = field(default_factory=dict)
    around_execution: list[ExecutionMiddleware] = field(default_factory=list)
    around_enqueue: list[EnqueueMiddleware] = field(default_factory=list)


_registered = _Registered()


class _Registers(Generic[M]):
    """The decorator that `handles` returns: it accepts functions of one message class only."""

    def __init__(self, message: type[M], retry: RetryPolicy) -> None:
        self._message = message
        self._retry = retry

    @overload
    def __call__(self, function: Callable[[M], R]) -> Callable[[M], R]: ...
    @overload
    def __call__(self, function: Callable[[M, "Context"], R]) -> Callable[[M, "Context"], R]: ...
    def __call__(self, function: Callable[..., R]) -> Callable[..., R]:
        known = _registered.handlers.get(self._message)
        if known is not None and _name(known.function) != _name(function):
            raise DuplicateHandler(
                f"{_name(known.function)} and {_name(function)} both handle "
                f"{self._message.__name__}."
            )
        handler = Handler(self._message, function, self._retry, _wants_context(function))
        _registered.handlers[self._message] = handler
        return function


def _wants_context(function: Callable[..., Any]) -> bool:
    parameters = inspect.signature(function).parameters.values()
    needed = [each for each in parameters if each.default is each.empty]
    named = [each.name for each in needed if each.kind is each.KEYWORD_ONLY]
    plain = [
        each for each in needed if each.kind in {each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD}
    ]
    if named or not 1 <= len(plain) <= _MOST_ARGUMENTS:
        raise InvalidOption(
            f"{_name(function)} cannot be called with a message.",
            field="handler",
            remedy="Let it take the message, or message and context; give the rest defaults.",
        )
    return len(plain) == _MOST_ARGUMENTS


_MOST_ARGUMENTS = 2  # the message and the context


def handles(message: type[M], *, retry: RetryPolicy | None = None) -> _Registers[M]:
    """Register the one function that handles a message type.

    The function must be idempotent: after a crash it runs again with the same message.

    Args:
        message: The message class.
        retry: When to try again; None means 3 attempts, exponential from 2 s.

    Returns:
        A decorator for a `def` or `async def` that takes the message, or the message and the
        `Context`, and returns JSON data, a model, or None.

    Raises:
        DuplicateHandler: When the decorator meets a second function for the class.
        InvalidOption: When it meets a function that cannot be called with a message.
    """
    return _Registers(message, retry or RetryPolicy())


def on(name: HookName) -> Callable[[F], F]:
    """Register a hook; one that raises is logged and never changes an outcome.

    Args:
        name: `started(message, context)`, `completed(message, context, result)`,
            `retried(message, context, outcome)`, `dead(letter)`, `worker_started(worker_name)` or
            `worker_stopped(worker_name)`: the arguments the function is called with.

    Raises:
        InvalidOption: If there is no such hook.
    """
    if name not in HOOK_NAMES:
        raise InvalidOption(
            f"There is no hook {name!r}.",
            field="name",
            remedy=f"Use one of {', '.join(HOOK_NAMES)}.",
        )

    def register(function: F) -> F:
        _registered.hooks.setdefault(name, []).append(function)
        return function

    return register


def on_dead(
    message: type[M],
) -> Callable[[Callable[[M, "DeadLetter"], None]], Callable[[M, "DeadLetter"], None]]:
    """Register what must happen when a message of this type ends as a dead letter.

    It runs before the letter is stored, in whichever process buries it, also when the handler's
    process died; so it may run twice and must be idempotent.

    Args:
        message: The message class.

    Returns:
        A decorator for a function of the message and its `DeadLetter`.
    """

    def register(
        function: Callable[[M, "DeadLetter"], None],
    ) -> Callable[[M, "DeadLetter"], None]:
        _registered.dead_hooks.setdefault(message, []).append(function)
        return function

    return register


def around_execution(function: ExecutionMiddleware) -> ExecutionMiddleware:
    """Register a middleware around every handler; the first registered is the outermost.

    Args:
        function: Takes the message, the context and `call_next`; returns what the handler
            returned. What it raises counts as the handler's error.
    """
    _registered.around_execution.append(function)
    return function


def around_enqueue(function: EnqueueMiddleware) -> EnqueueMiddleware:
    """Register a middleware before every enqueue, in the order of registration.

    Args:
        function: Takes the message and its options and returns both, changed or not. What it
            raises reaches the caller, and nothing is written.
    """
    _registered.around_enqueue.append(function)
    return function


def handler_for(message: type[Message]) -> Handler:
    """The handler of a message class.

    Args:
        message: The class.

    Returns:
        Its handler.

    Raises:
        HandlerNotFound: If none is registered.
    """
    handler = _registered.handlers.get(message)
    if handler is None:
        raise HandlerNotFound(f"{message.__name__} has no handler in this process.")
    return handler


def handlers() -> Sequence[Handler]:
    """All registered handlers, in the order of registration."""
    return tuple(_registered.handlers.values())


def execution_middleware() -> Sequence[ExecutionMiddleware]:
    """The registered middleware around handlers, outermost first."""
    return _registered.around_execution


def needs_context(handler: Handler) -> bool:
    """Whether the handler, middleware around it or a hook will look at the context of its run.

    Args:
        handler: The handler.
    """
    return handler.wants_context or bool(_registered.around_execution or _registered.hooks)


def enqueue_middleware() -> Sequence[EnqueueMiddleware]:
    """The registered middleware before enqueue, in order."""
    return tuple(_registered.around_enqueue)


def run_hooks(name: HookName, *arguments: object) -> None:
    """Call the hooks of one name; log what they raise.

    Args:
        name: The hook.
        arguments: What `on` promises for it.
    """
    functions = _registered.hooks.get(name)
    if functions:
        _call_all(functions, name, arguments)


def run_dead_hooks(message: Message, letter: "DeadLetter") -> None:
    """Call the `on_dead` functions of a message; log what they raise.

    Args:
        message: The message that died.
        letter: Its dead letter, not stored yet.
    """
    _call_all(_registered.dead_hooks.get(type(message), ()), "on_dead", (message, letter))


@contextmanager
def separate_registry() -> Iterator[None]:
    """Start with nothing registered and put everything back at the end. For tests."""
    global _registered  # noqa: PLW0603 - swapping it whole is what keeps a test's handlers apart
    before, _registered = _registered, _Registered()
    try:
        yield
    finally:
        _registered = before


def _call_all(functions: Iterable[Callable[..., None]], name: str, arguments: Any) -> None:
    for function in functions:
        try:
            function(*arguments)
        except BaseTimeoutException:
            raise  # the job's own time is up, and only the lane can say what that means
        except Exception:  # a hook observes; it must not change what happens to the message
            log.exception("hook_failed", hook=name, function=_name(function))


def _name(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}"
