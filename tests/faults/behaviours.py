"""What the jobs of the drills do; each notes its start and its end in the ledger.

Our workers come here through the handler of `app`; stock RQ runs `act` itself, by its name.
"""

import ctypes
import itertools
import os
import select
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from rq import get_current_job

from tests.faults.ledger import VARIABLE, Ledger, write
from workers import (
    PermanentError,
    ResourceUnavailable,
    TransientError,
)

_hoard: list[bytearray] = []


def act(kind: str, seconds: float = 0.0) -> object:
    """The same for stock RQ, which has no messages."""
    job = get_current_job()
    assert job is not None
    return noted(job.id, kind, seconds)


def noted(job_id: str, kind: str, seconds: object) -> object:
    """Do what a kind of job does, for some seconds."""
    write(os.environ[VARIABLE], "start", job_id, kind)
    result = BEHAVIOURS[kind](job_id, float(str(seconds or 0)))
    write(os.environ[VARIABLE], "end", job_id, kind)
    return result


# --- ordinary jobs ----------------------------------------------------------------------------


def _work(_: str, seconds: float) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        select.select([], [], [], left)  # under faketime, time.sleep fails with EINVAL


def _answer(job_id: str, seconds: float) -> object:
    _work(job_id, seconds)
    return {"done": job_id}


def _blip_once(job_id: str, _: float) -> None:
    if _starts(job_id) == 1:
        raise TransientError("a blip")


def _down_once(job_id: str, _: float) -> None:
    if _starts(job_id) == 1:
        raise ResourceUnavailable("it is down")


def _impossible(_: str, __: float) -> None:
    raise PermanentError("it will never work")


def _down(_: str, __: float) -> None:
    raise ResourceUnavailable("it is down")


def _starts(job_id: str) -> int:
    return len(Ledger(Path(os.environ[VARIABLE])).refresh().of(job_id, "start"))


# --- pills: jobs that harm the process they run in --------------------------------------------


def _segfault(_: str, __: float) -> None:
    ctypes.string_at(0)


def _endless_c(_: str, __: float) -> None:
    # Never returns to the interpreter, so no Python signal handler runs, and keeps the GIL.
    deque(itertools.repeat(0), maxlen=0)


def _eat_memory(_: str, __: float) -> None:
    # As the kernel's OOM killer does it; the limit is our own, so that the machine stays usable.
    _hoard.extend(bytearray(b"x" * (25 << 20)) for _ in range(12))
    os.kill(os.getpid(), signal.SIGKILL)


def _block_signals(_: str, seconds: float) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    _work("", seconds or 3600)


def _swallow(_: str, seconds: float) -> None:
    until = time.monotonic() + (seconds or 3600)
    while time.monotonic() < until:
        with suppress(BaseException):
            time.sleep(0.05)


ORDINARY: Mapping[str, Callable[[str, float], object]] = {
    "work": _work,
    "answer": _answer,
    "blip once": _blip_once,
    "down once": _down_once,
    "down": _down,
    "impossible": _impossible,
}
DEADLY: Mapping[str, Callable[[str, float], object]] = {
    "exit 0": lambda *_: os._exit(0),
    "exit 1": lambda *_: os._exit(1),
    "segfault": _segfault,
    "SIGKILL": lambda *_: os.kill(os.getpid(), signal.SIGKILL),
    "memory": _eat_memory,
}
"""They end their process."""
ENDLESS: Mapping[str, Callable[[str, float], object]] = {
    "endless C": _endless_c,
    "blocked signals": _block_signals,
    "swallow": _swallow,
}
"""They do not end and cannot be told to."""
BEHAVIOURS = {**ORDINARY, **DEADLY, **ENDLESS}

PLANNED_STARTS = {"blip once": 2, "down once": 2, **dict.fromkeys(DEADLY | ENDLESS, 3)}
"""How often a job of a kind starts when nothing else goes wrong; others once."""
