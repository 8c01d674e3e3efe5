"""The process that is measured: `python -m benchmarks.program KIND`, started by `contestant`.

It loads the application once, then does what the lines on standard input say, and answers each
with one line. Its log goes to standard error, which is a file.
"""

import json
import resource
import sys
from dataclasses import asdict
from typing import Any, get_args

import psutil
import redis
import rq

from benchmarks import stream_loops
from benchmarks.arithmetic import Usage
from benchmarks.loops import WORKERS, drain, fill, handled
from benchmarks.message import MESSAGE_BYTES
from benchmarks.plan import Kind, ProducerKind, StreamKind, WorkerKind
from benchmarks.producers import make, produce, stored
from workers.jobs import load_application
from workers.logs import configure_logs
from workers.settings import Settings, load_settings

_KIBIBYTE = 1024 if sys.platform == "linux" else 1  # the unit of ru_maxrss

LOOPS: dict[str, WorkerKind] = {kind: kind for kind in get_args(WorkerKind)}
PRODUCERS: dict[str, ProducerKind] = {kind: kind for kind in get_args(ProducerKind)}
STREAMS: dict[str, StreamKind] = {kind: kind for kind in get_args(StreamKind)}

SHOWN = (
    *("log_level", "log_format", "log_jobs", "log_file", "result_ttl", "failure_ttl"),
    *("job_timeout", "queue_job_ttl", "keep_finished", "keep_failed", "handler_packages"),
    *("index_jobs", "index_days", "stream_limit"),
)
"""The settings that may change what a job costs."""


def main(kind: Kind) -> None:
    """Answer until standard input ends.

    Args:
        kind: Which loop to run.
    """
    settings = load_settings()
    configure_logs(settings)
    load_application()
    _tell(_described(kind, settings))
    for line in sys.stdin:
        order = json.loads(line)
        with redis.Redis.from_url(order["url"]) as connection:
            _tell(_done(order["do"], kind, order["jobs"], connection))


def _done(what: str, kind: Kind, jobs: int, connection: redis.Redis) -> dict[str, Any]:
    if what == "fill":
        _fill(kind, jobs, connection)
        return {}
    if what == "count":
        return {"handled": _count(kind, jobs, connection)}
    return asdict(_measured(kind, jobs, connection))


def _fill(kind: Kind, jobs: int, connection: redis.Redis) -> None:
    if kind in PRODUCERS:
        make(PRODUCERS[kind], jobs)
    elif kind in STREAMS:
        stream_loops.fill(STREAMS[kind], jobs, connection)
    else:
        fill(LOOPS[kind], jobs, connection)


def _count(kind: Kind, jobs: int, connection: redis.Redis) -> int:
    if kind in STREAMS:
        return stream_loops.handled(STREAMS[kind], jobs, connection)
    return stored(connection) if kind in PRODUCERS else handled(LOOPS[kind], jobs, connection)


def _measured(kind: Kind, jobs: int, connection: redis.Redis) -> Usage:
    spent = _cpu_seconds()
    if kind in PRODUCERS:
        seconds = produce(PRODUCERS[kind], connection)
    elif kind in STREAMS:
        seconds = stream_loops.drain(STREAMS[kind], jobs, connection)
    else:
        seconds = drain(LOOPS[kind], jobs, connection)
    cpu = _cpu_seconds() - spent
    return Usage(seconds=seconds, worker_cpu=cpu, memory_bytes=_memory())


def _cpu_seconds() -> float:
    """User and system time of this process and of all its children that have ended."""
    own, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _memory() -> int:
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * _KIBIBYTE
    return int(psutil.Process().memory_info().rss + child)


def _described(kind: Kind, settings: Settings) -> dict[str, Any]:
    worker = WORKERS.get(LOOPS[kind]) if kind in LOOPS else None
    values = settings.model_dump(mode="json", include=set(SHOWN))
    return {
        "worker": f"{worker.__module__}.{worker.__qualname__}" if worker else "none",
        "serializer": "JSON",
        "message_bytes": MESSAGE_BYTES,
        "rq": rq.__version__,
        "redis_py": redis.__version__,
        "python": sys.version.split()[0],
        **{name: values[name] for name in SHOWN},
    }


def _tell(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    kinds: dict[str, Kind] = {**LOOPS, **PRODUCERS, **STREAMS}
    main(kinds[sys.argv[1]])
