"""The loggers of this package. Where their lines go is decided in `logs`, or by the application.

They end in the standard library's logging, below the name `postroom`, whatever the application
does with structlog: a producer that configures nothing gets warnings on standard error.
"""

import logging
from typing import Any

import structlog
from structlog.stdlib import BoundLogger, ExtraAdder, ProcessorFormatter


def shared_processors() -> list[structlog.typing.Processor]:
    """What every event goes through, ours and those of the standard library's loggers."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        ExtraAdder(allow=[]),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]


def get_logger(name: str) -> BoundLogger:
    """A logger that takes an event's name and values.

    Args:
        name: Below `postroom`, such as `postroom.jobs`.
    """
    processors = [
        structlog.stdlib.filter_by_level,
        *shared_processors(),
        ProcessorFormatter.wrap_for_formatter,
    ]
    # Any: structlog types what wrap_logger returns as the bare logger.
    logger: Any = structlog.wrap_logger(
        logging.getLogger(name), processors=processors, wrapper_class=BoundLogger
    )
    bound: BoundLogger = logger
    return bound
