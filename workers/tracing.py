"""Whether messages are traced, and by whom. Nothing of OpenTelemetry is imported unless they are.

`TRACING` is the switch; where spans go is said by OpenTelemetry's own variables. See spans.py.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeVar

from messages import Message
from workers.errors import SettingInvalid
from workers.settings import Settings

if TYPE_CHECKING:
    from workers.spans import Tracer

M = TypeVar("M", bound=Message)


def tracer_for(settings: Settings) -> "Tracer | None":
    """Who makes the spans of this process.

    Args:
        settings: Say whether anybody does.

    Returns:
        None without `TRACING`.

    Raises:
        SettingInvalid: If `TRACING` is set and the packages for it are missing.
    """
    if not settings.tracing:
        return None
    check_tracing(settings)
    return _made()


def check_tracing(settings: Settings) -> None:
    """Look whether what `TRACING` needs is installed.

    Args:
        settings: Those of a worker that is about to start.

    Raises:
        SettingInvalid: If it is missing.
    """
    if settings.tracing and not _is_installed():
        raise SettingInvalid(
            "TRACING is set, and OpenTelemetry's SDK is not installed.",
            field="TRACING",
            remedy="Install the extra: pip install '.[otel]'; or take TRACING away.",
        )


def traced(
    messages: Iterable[M], settings: Settings, destination: Callable[[M], str]
) -> Iterable[M]:
    """Messages of a batch, each with a span of its own if they are traced.

    Args:
        messages: What is about to be stored.
        settings: Say whether it is traced.
        destination: Tells the queue or the stream of a message.

    Returns:
        The same messages, with the `traceparent` of their spans.
    """
    tracer = tracer_for(settings)
    return messages if tracer is None else tracer.each(messages, destination)


def flush_spans(settings: Settings) -> None:
    """Hand over what this process has traced, because it ends without Python's own ending.

    Args:
        settings: Say whether there is anything; it takes 2 s at most.
    """
    tracer = tracer_for(settings)
    if tracer is not None:
        tracer.flush()


@lru_cache(maxsize=1)
def _is_installed() -> bool:
    return find_spec("opentelemetry") is not None and find_spec("opentelemetry.sdk") is not None


@lru_cache(maxsize=1)
def _made() -> "Tracer":
    from workers.spans import Tracer  # noqa: PLC0415 - it imports OpenTelemetry

    return Tracer()
