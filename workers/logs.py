"""The log: one JSON line an event, in the shape of requirement 004, without payloads or secrets."""

import logging
import sys
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

import structlog
from concurrent_log_handler import ConcurrentRotatingFileHandler
from structlog.stdlib import ProcessorFormatter
from typing_extensions import override

from workers.errors import SettingInvalid
from workers.logger import shared_processors
from workers.settings import Settings

_MAX_BYTES = 10_000_000
_FILES = 5

_LOGGERS = ("postroom", "rq.worker", "rq.job", "rq.scheduler", "rq.queue", "rq.registry")

_SENTENCES: Mapping[str, str] = {
    "job_started": "Processing {message_type} {job_id}",
    "job_completed": "Completed {message_type} {job_id} in {duration_ms} ms",
    "job_retried": "Job {job_id} failed and will be tried again in {delay_seconds} s",
    "job_buried": "Job {job_id} is a dead letter: {reason}",
    "job_handed_back": "Job {job_id} is not known here and was handed back",
    "job_lost_its_process": "The process of job {job_id} died",
}

_RQ_SAYS_TOO = (
    "Worker %s: %s: %s",
    "Successfully completed",
    "Worker %s: job %s result",
    "Worker %s: result",
    "Worker %s: job %s: exception raised",
    "Job %s: enqueued for retry",
    "Job %s: scheduled for retry",
)
"""How RQ's own lines about a job begin; ours say the same, with more ids and no payload."""


def configure_logs(settings: Settings) -> None:
    """Send the log of this process, RQ's included, to standard error and to LOG_FILE if it is set.

    Args:
        settings: Level, format and file.
    """
    targets: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if settings.log_file is not None:
        targets.append(_file(settings.log_file))
    formatter = ProcessorFormatter(
        processors=_ending(settings), foreign_pre_chain=shared_processors()
    )
    for target in targets:
        target.setFormatter(formatter)
        target.addFilter(_NotTwice())
    for name in _LOGGERS:
        _redirect(logging.getLogger(name), targets, settings)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared_processors(),
            ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


class _NotTwice(logging.Filter):
    @override
    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.name.startswith("rq.") and str(record.msg).startswith(_RQ_SAYS_TOO))


def _file(path: Path) -> logging.Handler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("ab").close()
    except OSError as error:
        raise SettingInvalid(
            f"The log cannot be written to {path}: {error.strerror}.", field="LOG_FILE"
        ) from error
    # Several workers and their horses write and rotate one file, so it is locked.
    return ConcurrentRotatingFileHandler(str(path), maxBytes=_MAX_BYTES, backupCount=_FILES)


def _redirect(logger: logging.Logger, targets: list[logging.Handler], settings: Settings) -> None:
    for handler in tuple(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    for target in targets:
        logger.addHandler(target)
    logger.setLevel(settings.log_level)
    logger.propagate = False


def _ending(settings: Settings) -> list[structlog.typing.Processor]:
    if settings.log_format == "console":
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        return [ProcessorFormatter.remove_processors_meta, renderer]
    return [
        ProcessorFormatter.remove_processors_meta,
        _in_shape,
        structlog.processors.JSONRenderer(default=str),
    ]


def _in_shape(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    shaped = {
        "timestamp": event.pop("timestamp"),
        "level": str(event.pop("level")).upper(),
        "message": _sentence(event),
        "module": event.pop("logger", ""),
    }
    shaped = {name: value for name, value in event.items() if value is not None} | shaped
    ahead = ("timestamp", "level", "message", "module")
    shaped = {name: shaped.pop(name) for name in ahead} | shaped
    event.clear()
    event.update(shaped)
    return event


def _sentence(event: Mapping[str, Any]) -> str:
    name = str(event["event"])
    template = _SENTENCES.get(name)
    if template is not None:
        return template.format_map(_Blank(event))
    return name if " " in name else name.replace("_", " ").capitalize()


class _Blank(dict[str, Any]):
    """A sentence with a value missing is better than no log line."""

    def __missing__(self, key: str) -> str:
        return "?"
