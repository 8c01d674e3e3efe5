"""What a job's handler logged, and how far it says it is: kept in Redis beside the job.

Written in batches by the run itself, read by `postroom job`, `postroom logs` and monitoring. The
newest lines are kept, within limits, for as long as the job.
"""

import json
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import redis

from workers import keys
from workers.clock import utc_now
from workers.context import Progress
from workers.logger import Event, get_logger
from workers.logs import in_shape
from workers.redaction import redacted
from workers.scripts import script

log = get_logger("postroom.job_log")

MOST_LINES = 1_000
"""Lines kept of one job; the oldest go first."""
MOST_BYTES = 256_000
"""Bytes kept of one job's lines."""
LONGEST_LINE = 8_000
"""Bytes of one line; a longer one is cut."""

_BATCH = 100  # lines that are sent at once
_EVERY = 1.0  # seconds after which a line is sent, however few there are
_KNOWN_TO_THE_JOB = frozenset({"job_id", "queue", "message_type", "correlation_id", "trace_id"})
_AHEAD = ("timestamp", "level", "message", "module", "event")
_NEVER_CUT = frozenset({"timestamp", "level", "event", "module"})
_LOCK = "its_lock"
_CUT = "…"
_SHORTEST_CUT = 40
_DEBUG = "debug"


@dataclass(frozen=True)
class Line:
    """One line of a job's log.

    Args:
        number: From 1, over all runs of the job; earlier lines may be gone.
        entry: In the shape of the log, without the ids that the job itself has.
    """

    number: int
    entry: Mapping[str, Any]


def lines(
    job_id: str, *, after: int = 0, limit: int = MOST_LINES, connection: redis.Redis
) -> Sequence[Line]:
    """What a job's handler logged.

    Args:
        job_id: The job.
        after: Only lines with a greater number, so that one can go on reading.
        limit: How many at most, from 1.
        connection: Where.

    Returns:
        Lines, oldest first; what cannot be read is left out.
    """
    newest: Any = connection.lrange(keys.job_log(job_id), -1, -1)
    if not newest or number_of(newest[0]) <= after:
        return ()
    stored: Any = connection.lrange(keys.job_log(job_id), 0, -1)
    found = (line_of(entry) for entry in stored if number_of(entry) > after)
    return [line for line in found if line is not None][:limit]


def last_lines(job_id: str, count: int, *, connection: redis.Redis) -> Sequence[Line]:
    """The newest lines of a job's log.

    Args:
        job_id: The job.
        count: How many, from 1.
        connection: Where.

    Returns:
        Lines, oldest first.
    """
    stored: Any = connection.lrange(keys.job_log(job_id), -count, -1)
    return [line for line in map(line_of, stored) if line is not None]


def kept(job_id: str, *, connection: redis.Redis) -> int:
    """How many lines of a job are kept."""
    return int(connection.llen(keys.job_log(job_id)))


@dataclass
class JobLog:
    """Collects what one run logs, and sends it in batches.

    A run that logs nothing costs next to nothing. It never fails the job: while Redis cannot be
    reached, the newest lines wait here.

    Args:
        job_id: The job.
        connection: Where.
        ttl: Seconds for which the lines are kept while the job runs and if it fails; -1: for ever.
        ttl_if_done: As `ttl`, once the job has succeeded.
        has_lines: Whether earlier runs may have written some.
        keep_debug: Whether lines of the level DEBUG are kept, too.
        failed: Whether the run did not succeed; set while it runs.
    """

    job_id: str
    connection: redis.Redis
    ttl: int
    ttl_if_done: int
    has_lines: bool = False
    keep_debug: bool = False
    failed: bool = False
    # Not set by __init__: the class has the values of a run that has not logged anything yet.
    _waiting: Sequence[bytes] = field(default=(), init=False)
    _progress: Progress | None = field(default=None, init=False)
    _timer: threading.Timer | None = field(default=None, init=False)
    # Redis: then only the timer tries again, or each line would wait for it.
    _is_away: bool = field(default=False, init=False)

    def keep(self, event: Event) -> None:
        """Add a line, as `keeping_logger` gives it.

        Args:
            event: Complete, and without secrets.
        """
        if event.get("level") == _DEBUG and not self.keep_debug:
            return
        with self._lock:
            self._waiting = [*self._waiting[-MOST_LINES:], _stored(in_shape(event))]
            is_full = len(self._waiting) >= _BATCH and not self._is_away
        if is_full:
            self.flush()
        else:
            self._start_timer()

    def report(self, progress: Progress) -> None:
        """Say how far the job is. Only the newest report of a batch is stored.

        Args:
            progress: How far.
        """
        with self._lock:
            self._progress = Progress(progress.share, redacted(progress.note))
        self._start_timer()

    def flush(self) -> None:
        """Send what waits."""
        with self._sending:
            with self._lock:
                batch, self._waiting = self._waiting, ()
                progress, self._progress = self._progress, None
                self._stop_timer()
            if not batch and progress is None:
                return
            try:
                self._send(batch, progress)
                self._is_away = False
            except redis.RedisError as error:
                self._is_away = True
                self._put_back(batch, progress)
                log.warning("job_log_not_written", job_id=self.job_id, error=str(error))
            except BaseException:  # the job's time was up while this was sent
                self._put_back(batch, progress)
                raise

    def close(self) -> None:
        """Send what waits, and let all of it live as long as the job."""
        if not self.failed:
            self.ttl = self.ttl_if_done
        if _LOCK in vars(self):  # something was logged
            self.flush()
            self._stop_timer()
        if self.has_lines:
            with suppress(redis.RedisError), self.connection.pipeline() as pipe:
                self._limit(pipe, keys.job_log(self.job_id), keys.progress(self.job_id))
                pipe.execute()

    @property
    def _lock(self) -> threading.RLock:
        return self._made(_LOCK)

    @property
    def _sending(self) -> threading.RLock:
        return self._made("its_sending")

    def _made(self, name: str) -> threading.RLock:
        """A lock of this log, made when it is first asked for, and only once by any thread."""
        lock: threading.RLock = vars(self).setdefault(name, threading.RLock())
        return lock

    def _send(self, batch: Sequence[bytes], progress: Progress | None) -> None:
        self.has_lines = True
        if progress is not None:
            self._store(progress)
            batch = (*batch, _stored(_as_entry(progress)))
        keep = self.connection.register_script(script("workers", "keep_lines"))
        keep(keys=[keys.job_log(self.job_id)], args=[MOST_LINES, MOST_BYTES, self.ttl, *batch])

    def _store(self, progress: Progress) -> None:
        key = keys.progress(self.job_id)
        with self.connection.pipeline(transaction=True) as pipe:
            pipe.hset(key, mapping={"share": progress.share, "note": progress.note})
            self._limit(pipe, key)
            pipe.execute()

    def _limit(self, pipe: redis.client.Pipeline, *names: str) -> None:
        for name in names:
            if self.ttl < 0:
                pipe.persist(name)
            else:
                pipe.expire(name, self.ttl)

    def _put_back(self, batch: Sequence[bytes], progress: Progress | None) -> None:
        with self._lock:
            self._waiting = [*batch, *self._waiting][-MOST_LINES:]
            self._progress = self._progress or progress
        self._start_timer()

    def _start_timer(self) -> None:
        with self._lock:
            if self._timer is None:
                self._timer = threading.Timer(_EVERY, self.flush)
                self._timer.daemon = True
                self._timer.start()

    def _stop_timer(self) -> None:
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None


def _as_entry(progress: Progress) -> dict[str, Any]:
    share = f"{progress.share:.0%}"
    return {
        "timestamp": utc_now().isoformat(),
        "level": "INFO",
        "message": f"{share}: {progress.note}" if progress.note else share,
        "module": "postroom.handler",
        "event": "progress",
        "share": progress.share,
    }


def _stored(entry: Mapping[str, Any]) -> bytes:
    own = {name: value for name, value in entry.items() if name not in _KNOWN_TO_THE_JOB}
    line = _dumped(own)
    while len(line) > LONGEST_LINE:
        own = _shorter(own, by=len(line) - LONGEST_LINE)
        line = _dumped(own)
    return line


def _shorter(entry: Mapping[str, Any], *, by: int) -> dict[str, Any]:
    texts = {
        name: value if isinstance(value, str) else _dumped(value).decode()
        for name, value in entry.items()
        if name not in _NEVER_CUT
    }
    name = max(texts, key=lambda each: len(texts[each]))
    text = texts[name]
    if len(text) <= _SHORTEST_CUT:  # so many values that none is long: leave them out
        return {name: entry[name] for name in _AHEAD if name in entry}
    # No more than half at once: another value may be as long.
    size = len(_dumped(text))
    kept = max(len(text) * (size - by) // size - len(_CUT.encode()), len(text) // 2)
    return {**entry, name: text[:kept] + _CUT}


def _dumped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=str).encode(errors="replace")


def number_of(entry: bytes) -> int:
    """The number of a line as it is stored."""
    return int(entry.split(b" ", 1)[0])


def line_of(entry: bytes) -> Line | None:
    """A line as it is stored; None if it cannot be read."""
    number, _, text = entry.split(b" ", 2)
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return Line(int(number), found) if isinstance(found, dict) else None
