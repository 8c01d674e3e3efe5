"""The log: one JSON line an event, in the shape of requirement 004, without payloads or secrets."""

import logging
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog
from structlog.stdlib import ProcessorFormatter
from typing_extensions import override

from workers.errors import SettingInvalid
from workers.logger import Event, shared_processors
from workers.redaction import read_secrets_anew
from workers.settings import Settings

_MAX_BYTES = 10_000_000
_FILES = 5
_LONGEST_NAME = 60  # characters of an event's name that is made from a sentence

_READY = "_sentence"  # where the sentence of a standard logger waits for its place
_PLACE = re.compile(r"%(?:\(\w+\))?[-+ #0]*[\d.]*[a-zA-Z]")
_NO_WORD = re.compile(r"[^0-9A-Za-z]+")

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

    The application's own loggers are part of it, those below its packages from LOG_LEVEL on;
    other libraries are heard from WARNING on.

    Args:
        settings: Level, format and file. The file is JSON whatever the format, so that
            `postroom logs` can read it.
    """
    read_secrets_anew()
    targets: list[logging.Handler] = [_target(logging.StreamHandler(sys.stderr), settings)]
    if settings.log_file is not None:
        targets.append(_target(_file(settings.log_file), settings, always_json=True))
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        _redirect(logger, tuple(logger.handlers), targets)
        logger.setLevel(settings.log_level)
        logger.propagate = False
    root = logging.getLogger()
    _redirect(root, [each for each in root.handlers if _is_ours(each)], targets)
    for package in {*settings.message_packages, *settings.handler_packages}:
        logging.getLogger(package).setLevel(settings.log_level)
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


class Batch(logging.LogRecord):
    """Lines that are ready as they are: JSON objects in the shape of `in_shape`.

    Args:
        lines: Without the newline at their ends.
        name: The logger's name.
    """

    def __init__(self, lines: Sequence[str], name: str) -> None:
        super().__init__(name, logging.INFO, "", 0, "\n".join(lines), (), None)


def targets_of_batches(logger: logging.Logger) -> Sequence[logging.Handler]:
    """Where a logger's lines go, if all of these places take a `Batch`.

    Args:
        logger: Any.

    Returns:
        Handlers; none if people read one of them, or somebody else than `configure_logs` added it.
    """
    found: list[logging.Handler] = []
    at: logging.Logger | None = logger
    while at is not None:
        found += at.handlers
        at = at.parent if at.propagate else None
    ready = all(isinstance(each.formatter, _Ending) and each.formatter.is_json for each in found)
    return found if ready else ()


def in_shape(event: Event) -> dict[str, Any]:
    """An event in the shape of requirement 004.

    Args:
        event: What the processors of `logger` made of it.

    Returns:
        `timestamp`, `level` in capitals, `message` (a sentence), `module`, `event` (snake_case),
        and then whatever else is known; values that are None are left out.
    """
    rest = {name: value for name, value in event.items() if value is not None}
    ahead = {
        "timestamp": rest.pop("timestamp"),
        "level": str(rest.pop("level")).upper(),
        "message": rest.pop(_READY, None) or rest.pop("message", None) or _sentence(rest),
        "module": rest.pop("logger", ""),
        "event": _snake_case(str(rest.pop("event"))),
    }
    return ahead | {name: value for name, value in rest.items() if name not in ahead}


class _Ending(ProcessorFormatter):
    """The last steps of an event on its way to one target."""

    def __init__(self, *, is_json: bool) -> None:
        ending = _for_machines() if is_json else _for_people()
        super().__init__(
            processors=[ProcessorFormatter.remove_processors_meta, *ending],
            foreign_pre_chain=[_named, *shared_processors()],
        )
        self.is_json = is_json

    @override
    def format(self, record: logging.LogRecord) -> str:
        return str(record.msg) if isinstance(record, Batch) else super().format(record)


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
    # Whoever writes no file starts sooner without it.
    from concurrent_log_handler import ConcurrentRotatingFileHandler  # noqa: PLC0415

    # Several workers and their horses write and rotate one file, so it is locked.
    return ConcurrentRotatingFileHandler(str(path), maxBytes=_MAX_BYTES, backupCount=_FILES)


def _target(
    handler: logging.Handler, settings: Settings, *, always_json: bool = False
) -> logging.Handler:
    handler.setFormatter(_Ending(is_json=always_json or settings.log_format == "json"))
    handler.addFilter(_NotTwice())
    return handler


def _is_ours(handler: logging.Handler) -> bool:
    return any(isinstance(each, _NotTwice) for each in handler.filters)


def _redirect(
    logger: logging.Logger,
    before: Sequence[logging.Handler],
    targets: Sequence[logging.Handler],
) -> None:
    for handler in before:
        logger.removeHandler(handler)
        handler.close()
    for target in targets:
        logger.addHandler(target)


def _for_people() -> list[structlog.typing.Processor]:
    return [_spoken, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]


def _for_machines() -> list[structlog.typing.Processor]:
    return [_shaped, structlog.processors.JSONRenderer(default=str)]


def _spoken(_: Any, __: str, event: Event) -> Event:
    ready = event.pop(_READY, None)
    return {**event, "event": ready or event["event"]}


def _shaped(_: Any, __: str, event: Event) -> Event:
    return in_shape(event)


def _named(_: Any, __: str, event: Event) -> Event:
    """Name the event of a standard logger after its sentence, before values were put into it."""
    record = event["_record"]
    return {**event, "event": _PLACE.sub(" ", str(record.msg)), _READY: event["event"]}


def _snake_case(name: str) -> str:
    words = _NO_WORD.sub("_", name).strip("_").lower()
    return words[:_LONGEST_NAME].rstrip("_") or "log"


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
