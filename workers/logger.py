"""The loggers of this package. Where their lines go is decided in `logs`, or by the application.

They end in the standard library's logging, below the name `postroom`, whatever the application
does with structlog: a producer that configures nothing gets warnings on standard error.
"""

import logging
from collections.abc import Callable, MutableMapping, Sequence
from functools import lru_cache
from typing import Any

import structlog
from structlog.stdlib import BoundLogger, ExtraAdder, ProcessorFormatter

from workers.context import current_run
from workers.redaction import redacted_value

Event = MutableMapping[str, Any]
Keep = Callable[[Event], None]
"""Is given each event of a logger, whatever the log level, before it is written."""


@lru_cache(maxsize=1)
def shared_processors() -> Sequence[structlog.typing.Processor]:
    """What every event goes through, ours and those of the standard library's loggers."""
    return (
        with_ids_of_the_run,
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        ExtraAdder(allow=[]),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _without_secrets,
    )


def with_ids_of_the_run(_: Any, __: str, event: Event) -> Event:
    """A structlog processor: gives an event the ids of the run that it is part of.

    The event's own values count more, those bound with `structlog.contextvars` less: a handler
    may have left them there in a run before.
    """
    run = current_run()
    return event if run is None else {**run.ids, **event}


def get_logger(name: str) -> BoundLogger:
    """A logger that takes an event's name and values.

    Args:
        name: Below `postroom`, such as `postroom.jobs`.
    """
    # Filtered first: an event that nobody wants to see costs nothing.
    return _logger(
        name,
        structlog.stdlib.filter_by_level,
        *shared_processors(),
        ProcessorFormatter.wrap_for_formatter,
    )


def keeping_logger(name: str, keep: Keep) -> BoundLogger:
    """A logger whose events are also kept somewhere, whatever the log level.

    Args:
        name: As for `get_logger`.
        keep: Is given each event, complete and without secrets.
    """

    def kept(_: Any, __: str, event: Event) -> Event:
        keep(event)
        return event

    return _logger(
        name,
        *shared_processors(),
        kept,
        structlog.stdlib.filter_by_level,
        ProcessorFormatter.wrap_for_formatter,
    )


def _logger(name: str, *processors: structlog.typing.Processor) -> BoundLogger:
    # Any: structlog types what wrap_logger returns as the bare logger.
    logger: Any = structlog.wrap_logger(
        logging.getLogger(name), processors=processors, wrapper_class=BoundLogger
    )
    bound: BoundLogger = logger
    return bound


def _without_secrets(_: Any, __: str, event: Event) -> Event:
    for name, value in event.items():
        is_ours = name in _OUR_NUMBERS and isinstance(value, int | float)
        if not is_ours and name not in _STRUCTLOGS_OWN:
            event[name] = redacted_value(value, name=name)
    return event


_OUR_NUMBERS = frozenset({"attempt", "duration_ms"})
"""They are never a secret, though they may be the same number as one."""

_STRUCTLOGS_OWN = frozenset({"_record", "_from_structlog"})
