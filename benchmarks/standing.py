"""A worker that waits for jobs: `python -m benchmarks.standing KIND QUEUE...`, until SIGTERM."""

import os
import sys
from collections.abc import Sequence

import redis
from rq import Queue
from rq.serializers import JSONSerializer

from benchmarks.loops import WORKERS
from benchmarks.program import LOOPS
from workers.jobs import load_application
from workers.logs import configure_logs
from workers.settings import load_settings


def main(kind: str, names: Sequence[str]) -> None:
    """Work.

    Args:
        kind: Which worker.
        names: Its queues.
    """
    configure_logs(load_settings())
    load_application()
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as connection:
        queues = [Queue(name, connection=connection, serializer=JSONSerializer) for name in names]
        worker = WORKERS[LOOPS[kind]](queues, connection=connection, serializer=JSONSerializer)
        worker.work()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
