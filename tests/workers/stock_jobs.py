"""Functions that are no handlers, for jobs that stock RQ enqueues."""

from pathlib import Path


def touch(path: str) -> str:
    Path(path).touch()
    return path


def complain(job, connection, *_):
    connection.hset(job.key, "complained", job.id)


def crash(path: str) -> None:
    raise RuntimeError(path)
