"""Redis restarts, is away, refuses, is full, or its replies get lost."""

import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random

from redis import Redis, ResponseError

from tests.drills.result import Result
from tests.drills.site import Site, judged
from tests.faults.proxy import Rule
from tests.faults.stage import Stage, Wish

LINES_A_MINUTE = 10
"""Log lines about Redis that one process may write in a minute."""

_LONGEST = 0.05


def _some_job(chance: Random, queues: Sequence[str] = ("a",)) -> Wish:
    return Wish(seconds=chance.uniform(0, _LONGEST), queue=chance.choice(queues))


def restarts(
    site: Site,
    *,
    times: int = 10,
    apart: float = 3.0,
) -> Result:
    """Redis is killed and restarted again and again under load."""
    with site.stage() as here:
        here.fleet.start(2)
        met = 0
        with here.producing(_some_job, pause=0.01):
            for _ in range(times):
                time.sleep(here.chance.uniform(0.3, 1) * apart)
                met += _are_busy(here)
                here.server.kill()
                time.sleep(here.chance.uniform(0.1, 0.3) * apart)
                here.server.start()
        here.settle(site.patience)
        return judged(
            here,
            limits={"extra": 2 * times, "died": 0},
            found={"unfired": float(met < 0.8 * times)},
            facts={"restarts": times, "busy": met},
        )


def _are_busy(here: Stage) -> bool:
    """Whether a worker is within a job; waits 5 s for it."""
    deadline = time.monotonic() + 5
    while not (running := _running(here)) and time.monotonic() < deadline:
        here.fleet.keep_up()
        time.sleep(0.02)
    return bool(running)


def _running(here: Stage) -> list[str]:
    pids = {process.pid for worker in here.fleet.workers for process in worker.tree()}
    return [event.job_id for event in here.ledger.refresh().running(pids)]


def away(
    site: Site,
    *,
    seconds: float = 10.0,
) -> Result:
    """Redis is away for a while: nobody exits, nobody shouts, outcomes are held."""
    with site.stage() as here:
        here.fleet.start(2)
        here.send_many([Wish(seconds=seconds / 5)] * 6)
        met = _are_busy(here)
        before = [_lines(worker.log) for worker in here.fleet.workers]
        here.server.kill()
        time.sleep(seconds)
        logs = zip(here.fleet.workers, before, strict=True)
        said = max(len(_lines(worker.log)) - len(old) for worker, old in logs)
        here.server.start()
        here.settle(site.patience)
        return judged(
            here,
            # A lease may lapse while Redis is away for longer than it lasts.
            limits={
                "extra": 6 * (seconds + here.pace.heartbeat > here.pace.lease),
                "died": 0,
                "lines": LINES_A_MINUTE,
            },
            found={"lines": said, "unfired": float(not met)},
        )


def _lines(log: Path) -> list[str]:
    """What was logged, the lines of jobs and of levels below WARNING left out."""
    text = log.read_text(errors="replace")
    return [line for line in text.splitlines() if not _is_of_a_job(line)]


def _is_of_a_job(line: str) -> bool:
    try:
        entry = json.loads(line)
    except ValueError:
        return False
    return "job_id" in entry or entry.get("level") in {"INFO", "DEBUG"}


def refused(site: Site, *, seconds: float = 6.0) -> Result:
    """Redis refuses connections while workers start: they wait for it.

    Ours start by `postroom worker`; `rq worker` asks Redis before there is a worker, and exits.
    """
    with site.stage() as here:
        here.server.kill()
        words = ("postroom", "worker") if site.side == "ours" else ()
        here.fleet.start(2, words=words, ready=False)
        logs = [worker.log for worker in here.fleet.workers]
        fired = _until(lambda: all(log.stat().st_size for log in logs))
        time.sleep(seconds)
        gone = sum(not worker.lives() for worker in here.fleet.workers)
        here.server.start()
        here.send_many([Wish()] * 10)
        here.settle(20)
        return judged(
            here,
            limits={"gone": 0, "extra": 0},
            found={"gone": gone, "unfired": float(not fired)},
        )


def _until(answer: Callable[[], bool], within: float = 15.0) -> bool:
    deadline = time.monotonic() + within
    while not (fired := answer()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return fired


def full(
    site: Site,
    *,
    times: int = 3,
    seconds: float = 10.0,
) -> Result:
    """Redis has no memory left while jobs end: outcomes are held, nothing runs twice."""
    with site.stage() as here:
        here.fleet.start(2)
        met = 0
        with here.client() as client:
            for _ in range(times):
                here.send_many([Wish(seconds=seconds / 10)] * 4)
                met += _are_busy(here)
                client.config_set("maxmemory", 1)
                time.sleep(seconds)
                met -= _took_a_write(client)
                client.config_set("maxmemory", 0)
                here.settle(site.patience)
        return judged(
            here,
            limits={"extra": 0, "died": 0},
            found={"unfired": float(met < times)},
            facts={"times": times},
        )


def _took_a_write(client: "Redis") -> bool:
    with suppress(ResponseError):
        return bool(client.set("drill", 1, ex=60))
    return False


WRITES = ("EVALSHA", "EVAL", "EXEC", "HSET", "ZADD", "BLMOVE", "BLPOP", "LMOVE")


def replies(
    site: Site,
    *,
    times: int = 40,
    names: Sequence[str] = WRITES,
    queues: Sequence[str] = ("a", "b"),
) -> Result:
    """The connection breaks after Redis has run a command and before the worker knows.

    Every other time the worker gets half of the answer.
    """
    with site.stage(queues=queues, proxied=True) as here:
        here.fleet.start(2)
        with here.producing(lambda chance: _some_job(chance, queues), pause=0.02):
            dropped = sum(_dropped(here, names, part=turn % 2 / 2) for turn in range(times))
        here.settle(site.patience)
        return judged(
            here,
            limits={"extra": times, "died": 0},
            found={"unfired": float(dropped < 0.8 * times)},
            facts={"dropped": dropped},
        )


def _dropped(here: Stage, names: Sequence[str], part: float) -> bool:
    """Spoil the reply to one of the next commands; returns whether one came within 5 s."""
    assert here.proxy is not None
    rule = Rule(lambda command: command.name.split()[0] in names, here.chance.randint(1, 5))
    rule.part = part
    here.proxy.rules = [rule]
    deadline = time.monotonic() + 5
    while not rule.fired.wait(0.05) and time.monotonic() < deadline:
        here.fleet.keep_up()
    return rule.fired.is_set()
