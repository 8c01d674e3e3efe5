"""RQ's two kinds of workers and ours on one queue: every job runs once, whoever takes it."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from rq import Queue

from tests.processes import StartedProcess, ask_until_true
from tests.workers import stock_jobs
from tests.workers.conftest import message
from tests.workers.engine.lanes import CLASSES, Lane
from workers import enqueue, keys

SECONDS = 0.01
"""What a job takes: long enough that no kind of worker takes them all."""


@dataclass(frozen=True)
class Outcome:
    """What a fleet did.

    Args:
        statuses: How many jobs ended how.
        runs: How often each stock job ran -> how many did.
        message_runs: Runs of messages, in all.
        by_kind: Kind of worker -> jobs it ran.
        own_messages: Messages that our worker ran.
        counted_fast: Runs that our worker's own counters know: those of its fast path.
        counted_stock: Runs that it ended by RQ's code.
        left: What still stands in a registry or with a holder, in words.
    """

    statuses: Counter[str]
    runs: Counter[int]
    message_runs: int
    by_kind: Counter[str]
    own_messages: int
    counted_fast: int
    counted_stock: int
    left: Sequence[str]


def play(lane: Lane, jobs: int, *, within: float) -> Outcome:
    """Start one worker of each kind, send jobs, half of them messages, and wait for their ends.

    Args:
        lane: Without a worker.
        jobs: How many; an even number.
        within: Seconds.
    """
    fleet = [replace(lane, kind=kind) for kind in CLASSES]
    processes = [_launch(each) for each in fleet]
    for process in processes:
        process.wait_for("Listening on", within=30)
    data = Queue.prepare_data(stock_jobs.nap, (SECONDS,))
    stock, messages = [], []
    for _ in range(0, jobs, 100):
        stock += [job.id for job in lane.queue.enqueue_many([data] * 50)]
        messages += [_send(lane) for _ in range(50)]
    ids = [*stock, *messages]
    ask_until_true(lambda: _are_over(lane, ids), within=within)
    counted_stock = int(lane.redis.hget(fleet[1].worker_key, "stock_job_count") or 0)
    for process in processes:
        process.end()
    by_job = dict(zip(ids, _field(lane, ids, "worker_name"), strict=True))
    return Outcome(
        statuses=Counter(_field(lane, ids, "status")),
        runs=Counter(len(lane.notes(job_id)) for job_id in stock),
        message_runs=len(re.findall(r"^slept: 1$", lane.trace.read_text(), re.MULTILINE)),
        by_kind=Counter(name.partition("-")[0] for name in by_job.values()),
        own_messages=sum(by_job[job_id].startswith("ours-") for job_id in messages),
        counted_fast=_counted(lane),
        counted_stock=counted_stock,
        left=_left(lane),
    )


def _launch(lane: Lane) -> StartedProcess:
    warm = () if lane.kind == "ours" else ("-c", "tests.workers.engine.warm_settings")
    return lane.launch(*warm, name=lane.worker_name)


def _send(lane: Lane) -> str:
    job = message("sleep", new_value=SECONDS)
    return enqueue(job, queue=lane.queue.name, connection=lane.redis).id


def _are_over(lane: Lane, ids: Sequence[str]) -> bool:
    return lane.queue.count == 0 and set(_field(lane, ids, "status")) <= {"finished", "failed"}


def _field(lane: Lane, ids: Sequence[str], name: str) -> list[str]:
    with lane.redis.pipeline(transaction=False) as pipe:
        for job_id in ids:
            pipe.hget(keys.job(job_id), name)
        return [value.decode() if value else "" for value in pipe.execute()]


def _counted(lane: Lane) -> int:
    counted: Any = 0
    for key in lane.redis.scan_iter(f"{keys.our_prefix()}stats:d:*"):
        counted += int(lane.redis.hget(key, f"{lane.queue.name}|TEST|finished|n") or 0)
    return int(counted)


def _left(lane: Lane) -> Sequence[str]:
    name, client = lane.queue.name, lane.redis
    places = {
        "waiting": client.llen(keys.queue(name)),
        "taken": client.exists(keys.intermediate(name)),
        "scheduled": client.zcard(keys.scheduled(name)),
        "deferred": client.zcard(keys.deferred(name)),
        "started": client.zcard(keys.started(name)),
        "failed": client.zcard(keys.failed(name)),
        "holders": client.zcard(keys.holders()),
        "leases": len(list(client.scan_iter(f"{keys.leases('*')}"))),
        "executions": len(list(client.scan_iter(f"{keys.rq_prefix()}execution*"))),
    }
    return [f"{number} {place}" for place, number in places.items() if number]
