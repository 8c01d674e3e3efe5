"""The lines of the start and the completion of each job, written many at once.

They are what `log.info("job_started")` and `log.info("job_completed")` write inside `running()`,
at a small part of the cost: the engine logs every job. `jobs`, which stock workers run, uses the
ordinary logger.
"""

import json
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextvars import copy_context
from typing import Any

import structlog
from typing_extensions import override

from messages import Message
from workers.context import Running
from workers.line_texts import JobIds, LineTexts
from workers.logger import Event, get_logger, shared_processors
from workers.logs import Batch, in_shape, targets_of_batches
from workers.settings import Settings

_NAME = "postroom.jobs"
_MOST = 1_000  # lines that wait, should nobody write them

_Line = tuple[Message, str, str, int, int, float | None]
"""Message, job, queue, attempt, nanoseconds since 1970, duration as `LineTexts` takes it."""

log = get_logger(_NAME)


class JobLines:
    """Collects lines, and writes them to where `configure_logs` sent the log.

    They are written before any other line of this process, so that the log stays in order, and
    before the process forks. Where people read the log, or a handler was added that is not ours,
    each line takes the ordinary way at once.

    Values bound with `structlog.contextvars` are part of the lines if they are bound where the
    first line of a batch is added.

    Args:
        settings: LOG_JOBS; the rest is as `configure_logs` was told.
    """

    def __init__(self, settings: Settings) -> None:
        self._are_wanted = settings.log_jobs == "all"
        self._logger = logging.getLogger(_NAME)
        self._texts = LineTexts()
        # As text, or as what the text is made of: many at once are made in a third of the time.
        self._waiting: list[str | _Line] = []
        self._targets: Sequence[logging.Handler] = ()
        self._since = 0.0  # when the first of these lines came, by the monotonic clock
        self._is_short = False  # the way that the lines of this batch take
        self._may_wait: dict[type[Message], bool] = {}
        self._first = _First(self)
        self._lock = threading.RLock()
        self._is_writing = False
        _at_forks(self)

    def started(self, message: Message, job_id: str, queue: str, attempt: int) -> None:
        """Say that a job's handler is about to run.

        Args:
            message: What it is given.
            job_id: The job.
            queue: The queue it was taken from.
            attempt: Which start this is, from 1.
        """
        if self._is_open():
            self._add((message, job_id, queue, attempt, time.time_ns(), None))

    def completed(
        self, message: Message, job_id: str, queue: str, attempt: int, duration_ms: float
    ) -> None:
        """Say that a job has succeeded.

        Args:
            message: As for `started`.
            job_id: As for `started`.
            queue: As for `started`.
            attempt: As for `started`.
            duration_ms: Milliseconds that it took, from 0, finite.
        """
        if self._is_open():
            self._add((message, job_id, queue, attempt, time.time_ns(), duration_ms))

    def flush_older(self, seconds: float) -> None:
        """Write what waits, if the first of it has waited for long enough.

        Args:
            seconds: For how long.
        """
        if self._waiting and time.monotonic() - self._since >= seconds:
            self.flush()

    def flush(self) -> None:
        """Write what waits; then nothing is lost, however the process ends.

        Where a signal came in the middle of another write, all is left to the next call.
        """
        if not self._waiting or _interrupts(self._targets):
            return
        with self._lock:
            if self._is_writing:
                return
            self._is_writing = True
            try:
                self._write(len(self._waiting))
            finally:
                self._is_writing = False

    def forget(self) -> None:
        """Drop what waits, in a process that was forked: it is its parent's."""
        self._lock = threading.RLock()
        self._is_writing = False
        self._waiting.clear()

    def _write(self, count: int) -> None:
        if not count:
            return
        batch = Batch(self._made(self._waiting[:count]), _NAME)
        for target in self._targets:
            if batch.levelno >= target.level:
                target.handle(batch)
        del self._waiting[:count]  # only now: better twice in the log than never

    def _made(self, lines: Sequence[str | _Line]) -> list[str]:
        texts: list[str] = []
        ids: JobIds | None = None
        start: tuple[Message | None, int] = (None, 0)
        for line in lines:
            if isinstance(line, str):
                texts.append(line)
                continue
            message, job_id, queue, attempt, at, duration_ms = line
            # Both lines of a job follow one another, as a rule.
            if duration_ms is None or start[0] is not message or start[1] != attempt:
                ids, start = self._texts.ids(message, job_id, queue, attempt), (message, attempt)
            assert ids is not None, "a line that may wait is a plain one"  # noqa: S101
            texts.append(self._texts.line(ids, at, duration_ms))
        return texts

    def _is_open(self) -> bool:
        """Whether lines are wanted; if so, there is room for one."""
        if not self._waiting:
            return self._begin()
        if len(self._waiting) >= _MOST:
            self.flush()
        return True

    def _begin(self) -> bool:
        if not self._are_wanted or not self._logger.isEnabledFor(logging.INFO):
            return False
        self._since = time.monotonic()
        self._targets = targets_of_batches(self._logger)
        self._is_short = bool(self._targets) and not structlog.contextvars.get_contextvars()
        for target in self._targets:
            target.addFilter(self._first)  # once, however often it is asked for
        return True

    def _add(self, line: _Line) -> None:
        if self._is_short:
            may_wait = self._may_wait.get(type(line[0]))
            if may_wait is None:
                may_wait = self._may_wait[type(line[0])] = self._texts.may_wait(line[0])
            if may_wait:
                self._waiting.append(line)
                return
        self._add_text(line)

    def _add_text(self, line: _Line) -> None:
        message, job_id, queue, attempt, at, duration_ms = line
        ids = self._texts.ids(message, job_id, queue, attempt) if self._is_short else None
        if ids is None:
            given = {"job_id": job_id, "queue": queue, "attempt": attempt}
            self._say(Running(message, lambda: given), _event(duration_ms))
        else:
            self._waiting.append(self._texts.line(ids, at, duration_ms))

    def _say(self, run: Running, event: Event) -> None:
        copy_context().run(self._say_as, run, event)

    def _say_as(self, run: Running, event: Event) -> None:
        run.bind()
        if self._targets:
            self._waiting.append(_processed(event, self._logger))
        else:
            log.info(event.pop("event"), **event)


class _First(logging.Filter):
    """Writes the lines that wait before a target writes another one."""

    def __init__(self, lines: JobLines) -> None:
        super().__init__()
        self._lines = weakref.ref(lines)

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        lines = self._lines()
        if lines is not None and not isinstance(record, Batch):
            lines.flush()
        return True


def _event(duration_ms: float | None) -> Event:
    if duration_ms is None:
        return {"event": "job_started"}
    return {"duration_ms": duration_ms, "event": "job_completed"}


def _processed(event: Event, logger: logging.Logger) -> str:
    done: Any = event
    for process in shared_processors():
        done = process(logger, "info", done)
    return json.dumps(in_shape(done), default=str)


def _interrupts(targets: Sequence[logging.Handler]) -> bool:
    """Whether this call came in the middle of a write of the same thread, as from a signal."""
    # Any: no type knows the method, which threading.Condition uses, too.
    locks: list[Any] = [target.lock for target in targets]
    return any(lock._is_owned() for lock in locks)  # noqa: SLF001 - see above


def _at_forks(lines: JobLines) -> None:
    known = weakref.ref(lines)

    def then(action: Callable[[JobLines], None]) -> Callable[[], None]:
        def act() -> None:
            found = known()
            if found is not None:
                action(found)

        return act

    os.register_at_fork(before=then(JobLines.flush), after_in_child=then(JobLines.forget))
