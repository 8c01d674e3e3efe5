"""`python3 run bench --watching`: what it costs those who work that somebody watches."""

import json
import logging
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.contestant import Contestant, started
from benchmarks.listeners import listening
from benchmarks.message import QUEUE, sample_messages
from benchmarks.plan import OURS, ROWS
from benchmarks.saying import say
from benchmarks.server import BenchServer, bench_server
from benchmarks.watching_cost import Cost, Drain, Looks, Plan, Round, as_text, figures
from benchmarks.web_process import CLIENTS, WebProcess, token, web_process
from monitoring.numbers.trends import get_trends
from workers import enqueue_many

OTHERS = 200
"""In each waits a job; one more queue is worked on."""
SECONDS = 2.0
"""How often the web process looks."""

FULL = Plan(rounds=9, slice_seconds=6.0, most_jobs=100_000, look_seconds=30.0)
QUICK = Plan(rounds=3, slice_seconds=1.0, most_jobs=20_000, look_seconds=10.0)

FAILED, NOISY = 1, 3

_SCRIPTS = ("evalsha", "eval", "fcall")
_ROW = next(row for row in ROWS if row.name == OURS)


def measure(plan: Plan, folder: Path) -> Cost:
    """Let a worker drain a queue with and without somebody who watches.

    Args:
        plan: For how long.
        folder: An empty folder for logs and the server's files.

    Raises:
        BenchFailed: If the worker did not handle every message.
    """
    logging.disable(logging.INFO)
    with (
        bench_server(folder / "data") as server,
        started(_ROW, server.url, folder) as worker,
    ):
        worker.described()
        jobs = _jobs_for(plan, server, worker)
        rounds = [_round(server, worker, jobs) for _ in range(plan.rounds)]
        return Cost(jobs, rounds, _looks(server, plan.look_seconds))


def bench_watching(*, quick: bool, as_json: bool) -> int:
    """Measure and print.

    Args:
        quick: Under a minute, which says little.
        as_json: Print one JSON object.

    Returns:
        The exit code: 1 if something is over its limit, 3 if the machine was too noisy to say.
    """
    with tempfile.TemporaryDirectory(prefix="postroom-bench-") as folder:
        found = measure(QUICK if quick else FULL, Path(folder))
    sys.stdout.write(json.dumps(figures(found)) + "\n" if as_json else as_text(found))
    if found.faults:
        return FAILED
    return 0 if found.is_quiet else NOISY


def _jobs_for(plan: Plan, server: BenchServer, worker: Contestant) -> int:
    # One that leases many jobs at once shows only with many how fast it is.
    few = plan.most_jobs // 20
    _drained(server, worker, few)
    rate = _drained(server, worker, few).jobs_per_second
    return min(plan.most_jobs, max(few, round(rate * plan.slice_seconds)))


def _round(server: BenchServer, worker: Contestant, jobs: int) -> Round:
    before = _drained(server, worker, jobs)
    _fill(server, worker, jobs)
    with _watched(server) as web:
        spent, began = web.cpu_seconds(), time.monotonic()
        watched = _measured(server, worker, jobs)
        core = (web.cpu_seconds() - spent) / (time.monotonic() - began)
    found = Round(before, watched, _drained(server, worker, jobs), core)
    say(
        f"{before.jobs_per_second:,.0f}/s, watched {watched.jobs_per_second:,.0f}/s, "
        f"and again {found.after.jobs_per_second:,.0f}/s; {core:.1%} of a core"
    )
    return found


def _drained(server: BenchServer, worker: Contestant, jobs: int) -> Drain:
    _fill(server, worker, jobs)
    return _measured(server, worker, jobs)


def _fill(server: BenchServer, worker: Contestant, jobs: int) -> None:
    server.empty()
    for number in range(OTHERS):
        enqueue_many(sample_messages(1), queue=f"queue-{number:03}", connection=server.client)
    worker.fill(jobs, server.url)


def _measured(server: BenchServer, worker: Contestant, jobs: int) -> Drain:
    before = server.command_us()
    usage = worker.drain(jobs, server.url)
    spent = _since(before, server)
    _check(server, worker, jobs)
    scripts = sum(spent.get(name, 0.0) for name in _SCRIPTS)
    return Drain(jobs / usage.seconds, sum(spent.values()) / jobs, scripts / jobs)


def _check(server: BenchServer, worker: Contestant, jobs: int) -> None:
    # A queue keeps fewer jobs on record than this; the counters know of all.
    rows = get_trends("24h", connection=server.client)
    worker.check_handled(next(row for row in rows if row["queueName"] == QUEUE)["successful"], jobs)


def _looks(server: BenchServer, seconds: float) -> Looks:
    """What is asked for those who watch, while nobody works."""
    with _watched(server) as web:
        before, spent, began = server.command_us(), web.cpu_seconds(), time.monotonic()
        time.sleep(seconds)
        took = time.monotonic() - began
        command_us = sum(_since(before, server).values()) / took
        return Looks(command_us, (web.cpu_seconds() - spent) / took)


@contextmanager
def _watched(server: BenchServer) -> Iterator[WebProcess]:
    with (
        web_process(server, live_seconds=SECONDS) as web,
        listening(web.port, token(), count=CLIENTS) as listeners,
    ):
        listeners.wait_for(2)  # the process has loaded what it needs
        yield web


def _since(before: Mapping[str, float], server: BenchServer) -> Mapping[str, float]:
    return {name: us - before.get(name, 0.0) for name, us in server.command_us().items()}
