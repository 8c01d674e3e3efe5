"""What a worker does while there is nothing to do, and how soon it begins when a job comes."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

import redis
from rq import Queue, Worker
from rq.serializers import JSONSerializer

from benchmarks.answers import ADDRESS, MOMENT
from benchmarks.contestant import environment
from benchmarks.errors import BenchFailed
from benchmarks.message import sample_messages
from benchmarks.monitor import counted_commands
from benchmarks.plan import BASE, OURS, ROWS, Plan, Row
from benchmarks.proxy import CountingProxy, counting_proxy
from benchmarks.server import BenchServer
from workers.record import JOB_FUNCTION

QUEUES = (1, 3, 30)
"""How many queues the worker serves whose commands are counted."""

_USER = "bench"
_RIGHTS = ("on", "nopass", "~*", "&*", "+@all", "-@admin")  # as on most managed servers
_ROWS = [row for row in ROWS if row.name in {BASE, OURS}]
_START_SECONDS = 20.0
_ANSWER_SECONDS = 10.0
_PAUSE = 0.02  # seconds in which a worker that has done its job comes to rest
_COUNTED = 11  # jobs whose round trips are counted


@dataclass(frozen=True)
class Idle:
    """What was found of idle workers.

    Args:
        latencies: Row -> seconds from a push by RQ's own `enqueue` to the handler, of each job.
        trips: Row -> socket writes of the worker in that time, the median.
        commands: Queues -> commands a second that our worker sends while nothing happens.
    """

    latencies: Mapping[str, Sequence[float]]
    trips: Mapping[str, float]
    commands: Mapping[int, float]

    def p50(self, row: str) -> float:
        """The median latency of a row in seconds."""
        return median(self.latencies[row])

    def p95(self, row: str) -> float:
        """The latency in seconds that 95 % of a row's jobs keep to."""
        return quantiles(self.latencies[row], n=20)[-1]


def idle(plan: Plan, server: BenchServer, folder: Path) -> Idle:
    """Measure idle workers.

    Args:
        plan: For how long.
        server: Where.
        folder: For logs and a socket.

    Raises:
        BenchFailed: If a worker does not start or does not answer.
    """
    server.empty()
    with _answers(folder) as answers:
        latencies = _latencies(plan, server, folder, answers)
        trips = _trips(server, folder, answers)
    return Idle(latencies, trips, {n: _commands(n, plan, server, folder) for n in QUEUES})


def _latencies(
    plan: Plan, server: BenchServer, folder: Path, answers: socket.socket
) -> Mapping[str, Sequence[float]]:
    found: dict[str, list[float]] = {row.name: [] for row in _ROWS}
    with ExitStack() as stack:
        for row in _ROWS:
            stack.enter_context(_standing(row, server, server.url, folder, [row.name]))
            _latency(row, server, answers)  # what is imported late is not timed
        for number in range(plan.rounds):
            for row in _ROWS[:: -1 if number % 2 else 1]:
                for _ in range(plan.idle_jobs):
                    time.sleep(_PAUSE)
                    found[row.name].append(_latency(row, server, answers))
    return found


def _latency(row: Row, server: BenchServer, answers: socket.socket) -> float:
    with server.client.pipeline() as pipe:
        _enqueue(row.name, pipe, server)
        began = time.monotonic()
        pipe.execute()
    return _answer(row, answers) - began


def _trips(server: BenchServer, folder: Path, answers: socket.socket) -> Mapping[str, float]:
    found = {}
    for row in _ROWS:
        with (
            counting_proxy(server.port) as proxy,
            _standing(row, server, proxy.url, folder, [row.name]),
        ):
            _latency(row, server, answers)
            found[row.name] = median(_writes(row, server, proxy, answers) for _ in range(_COUNTED))
    return found


def _writes(row: Row, server: BenchServer, proxy: CountingProxy, answers: socket.socket) -> int:
    time.sleep(_PAUSE)
    before = proxy.writes
    _latency(row, server, answers)
    return proxy.writes - before


def _commands(queues: int, plan: Plan, server: BenchServer, folder: Path) -> float:
    client = server.client
    client.execute_command("ACL", "SETUSER", _USER, *_RIGHTS)
    url = f"redis://{_USER}:none@127.0.0.1:{server.port}/0"
    names = [f"queue-{number}" for number in range(queues)]
    ours = next(row for row in _ROWS if row.name == OURS)
    try:
        with _standing(ours, server, url, folder, names):
            time.sleep(plan.idle_rest)
            with counted_commands(server.port) as counted:
                time.sleep(plan.idle_seconds)
        return (counted.commands - 1) / plan.idle_seconds  # one asks where the count ends
    finally:
        client.acl_deluser(_USER)


@contextmanager
def _answers(folder: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as answers:
        answers.bind(str(_address(folder)))
        answers.settimeout(_ANSWER_SECONDS)
        yield answers


def _address(folder: Path) -> Path:
    return folder / "answers"


def _answer(row: Row, answers: socket.socket) -> float:
    try:
        (moment,) = MOMENT.unpack(answers.recv(MOMENT.size))
    except TimeoutError as error:
        raise _failed(row, "did not begin a job") from error
    return float(moment)


def _enqueue(name: str, pipe: redis.client.Pipeline, server: BenchServer) -> None:
    (message,) = sample_messages(1)
    queue = Queue(name, connection=server.client, serializer=JSONSerializer)
    queue.enqueue(JOB_FUNCTION, message.model_dump(mode="json"), pipeline=pipe)


@contextmanager
def _standing(
    row: Row, server: BenchServer, url: str, folder: Path, queues: Sequence[str]
) -> Iterator[None]:
    own = {ADDRESS: str(_address(folder)), "HANDLER_PACKAGES": "benchmarks.answering"}
    with (folder / f"idle-{row.name}.log").open("w") as log:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "benchmarks.standing", row.kind, *queues],
            stdout=log,
            stderr=log,
            cwd=folder,
            env=environment(row, url, folder) | own,
            start_new_session=True,
        )
    try:
        _wait_for(row, process, server)
        yield
    finally:
        process.terminate()
        try:
            process.wait(_ANSWER_SECONDS)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(row: Row, process: "subprocess.Popen[bytes]", server: BenchServer) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if process.pid in {each.pid for each in Worker.all(connection=server.client)}:
            return
        time.sleep(0.05)
    raise _failed(row, "did not start")


def _failed(row: Row, what: str) -> BenchFailed:
    return BenchFailed(
        f"The idle worker of row {row.name!r} {what}.",
        field="--rows",
        remedy="Mend that worker, or leave `idle` out with --rows.",
    )
