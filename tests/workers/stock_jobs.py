"""Functions that are no handlers, for jobs that stock RQ enqueues."""

import os
import time
from pathlib import Path

from rq import Retry, get_current_job


def touch(path: str) -> str:
    Path(path).touch()
    return path


def complain(job, connection, *_):
    connection.hset(job.key, "complained", job.id)


def crash(path: str) -> None:
    raise RuntimeError(path)


# --- what the comparison of kinds of workers runs ---------------------------------------------


def note(job, text: str) -> None:
    """Leave a line of the job outside Redis, in one write."""
    with Path(os.environ["TRACE"]).open("a", encoding="utf-8") as trace:
        trace.write(f"{job.id} {text}\n")


def ran() -> int:
    """Note a run of this job; returns its number."""
    job = get_current_job()
    note(job, "ran")
    lines = Path(os.environ["TRACE"]).read_text(encoding="utf-8").splitlines()
    return lines.count(f"{job.id} ran")


def give(value=None):
    ran()
    return value


def opaque() -> object:
    ran()
    return object()


def nap(seconds: float) -> None:
    ran()
    time.sleep(seconds)


def nap_at_first(seconds: float) -> None:
    if ran() == 1:
        time.sleep(seconds)


def fail(text: str, times: int = 99) -> int:
    number = ran()
    if number <= times:
        raise ValueError(text)
    return number


def come_again(times: int, most: int, interval: int = 0):
    number = ran()
    return Retry(max=most, interval=interval) if number <= times else number


def wait_for(path: str) -> str:
    ran()
    until = time.monotonic() + 30
    while not Path(path).exists() and time.monotonic() < until:
        time.sleep(0.01)
    return path


def learn(what: str) -> None:
    job = get_current_job()
    job.meta["learnt"] = what
    job.save_meta()
    ran()


def tell() -> dict[str, object]:
    job = get_current_job()
    return {
        "id": job.id,
        "origin": job.origin,
        "worker": job.worker_name,
        "status": job.get_status(refresh=True),
        "timeout": job.timeout,
    }


def succeeded(job, connection, result):
    note(job, f"succeeded {result} {connection.ping()}")


def failed(job, connection, kind, error, traceback):
    note(job, f"failed {kind.__name__} {error} {traceback is not None} {connection.ping()}")


def stopped(job, connection):
    note(job, f"stopped {connection.ping()}")


def stumble(job, connection, *_):
    note(job, "stumbled")
    raise LookupError("the callback's own")


def dawdle(*_):
    time.sleep(30)
