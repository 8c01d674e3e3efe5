"""The log: one JSON line an event, in the shape of requirement 004, without payloads or secrets."""

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog
from concurrent_log_handler import ConcurrentRotatingFileHandler

from workers.settings import Settings

_MAX_BYTES = 10_000_000
_FILES = 5

_SENTENCES: Mapping[str, str] = {
    "job_started": "Processing {message_type} {job_id}",
    "job_completed": "Completed {message_type} {job_id} in {duration_ms} ms",
    "job_retried": "Job {job_id} failed and will be tried again in {delay_seconds} s",
    "job_buried": "Job {job_id} is a dead letter: {reason}",
    "job_handed_back": "Job {job_id} is not known here and was handed back",
    "job_lost_its_process": "The process of job {job_id} died",
}


def configure_logs(settings: Settings) -> None:
    """Send the log of this process to standard error, and to LOG_FILE if it is set.

    Args:
        settings: Level, format and file.
    """
    targets: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if settings.log_file is not None:
        settings.log_file.parent.mkdir(parents=True, exist_ok=True)
        path = str(settings.log_file)
        targets.append(ConcurrentRotatingFileHandler(path, maxBytes=_MAX_BYTES, backupCount=_FILES))
    logger = logging.getLogger("postroom")
    for handler in (*logger.handlers,):
        logger.removeHandler(handler)
        handler.close()
    for handler in targets:
        logger.addHandler(handler)
    logger.setLevel(settings.log_level)
    logger.propagate = False
    structlog.configure(
        processors=_processors(settings),
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _processors(settings: Settings) -> list[structlog.typing.Processor]:
    console = settings.log_format == "console"
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.filter_by_level,
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    if console:
        return [*shared, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    return [*shared, _in_shape, structlog.processors.JSONRenderer(default=str)]


def _in_shape(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    shaped = {
        "timestamp": event.pop("timestamp"),
        "level": str(event.pop("level")).upper(),
        "message": _sentence(event),
        "module": event.pop("logger", ""),
        **{name: value for name, value in event.items() if value is not None},
    }
    event.clear()
    event.update(shaped)
    return event


def _sentence(event: Mapping[str, Any]) -> str:
    name = str(event["event"])
    template = _SENTENCES.get(name)
    if template is None:
        return name.replace("_", " ").capitalize()
    return template.format_map(_Blank(event))


class _Blank(dict[str, Any]):
    """A sentence with a value missing is better than no log line."""

    def __missing__(self, key: str) -> str:
        return "?"
