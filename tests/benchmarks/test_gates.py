"""What a gate takes, and when it is passed, failed, or not to be told."""

from collections.abc import Mapping, Sequence

import pytest

from benchmarks.arithmetic import Cost, Counts
from benchmarks.errors import InvalidRequest
from benchmarks.gates import AIMS, Gate, gates_from, judged, measures_of
from benchmarks.idle import Idle
from benchmarks.plan import IDLE, ROWS, STREAM_ROWS
from benchmarks.rounds import Result, RowResult

SPEEDS_OF_STREAMS = {"stream-raw": 100_000, "stream": 40_000, "lists": 10_000}
CPU_OF_STREAMS = {"stream-raw": 4, "stream": 10}
SPEEDS = {"simple": 100, "ours": 6_000, "fork": 24, "one": 800, "async": 4_250, "threads": 3_500}
CPU = {"simple": 6_000, "ours": 100, "raw": 200, "rq_enqueue": 400, "enqueue": 100}
CPU_OF_MANY = {"rq_enqueue_many": 100, "enqueue_many": 10}


def a_result(quiet: Sequence[str] = ("cpu", "speed")) -> Result:
    """In which every figure is just what was promised."""
    cpu: Mapping[str, float] = CPU | CPU_OF_MANY | CPU_OF_STREAMS
    speeds = SPEEDS | SPEEDS_OF_STREAMS | {"stream-claim": 20_000}
    rows = [
        RowResult(
            row=row,
            settings={},
            jobs=1,
            rounds=[Cost(speeds.get(row.name, 1), cpu.get(row.name, 1), 0, 1)] * 3,
            counts=Counts(commands=1, calls=9, round_trips=0.05),
            comparison=None,
        )
        for row in (*ROWS, *STREAM_ROWS)
    ]
    idle = Idle({"simple": [3.0] * 5, "ours": [1.0] * 5}, {"simple": 6, "ours": 1}, {1: 4, 30: 5})
    return Result(rows, list(quiet), 0, "redis 7", {}, 1.0, idle)


def test_a_gate_is_a_name_and_a_limit_or_the_one_that_was_promised() -> None:
    assert gates_from(["cpu=70", "round-trips"]) == [Gate("cpu", 70), Gate("round-trips", 0.05)]


def test_all_gates_are_asked_for_in_one_word() -> None:
    of_queues, of_streams = (
        [gate.name for gate in gates_from(["all"], table)] for table in (ROWS, STREAM_ROWS)
    )

    assert of_queues + of_streams == list(AIMS)
    assert of_streams == ["stream", "stream-cpu", "stream-lists", "stream-claim"]


@pytest.mark.parametrize("text", ["cpu=", "cpu=fast", "cpu=0", "cpu=nan", "jobs=1", ""])
def test_what_is_no_gate_is_refused_with_the_names_there_are(text) -> None:
    with pytest.raises(InvalidRequest, match="Write all, or one of cpu, speed, fork-speed"):
        gates_from([text])


def test_every_gate_needs_rows_that_there_are() -> None:
    names = {row.name for row in (*ROWS, *STREAM_ROWS)} | {IDLE}

    assert all(set(aim.rows) <= names for aim in AIMS.values())


def test_what_was_promised_is_enough_for_every_gate() -> None:
    found = judged(gates_from([*AIMS]), a_result())

    assert {each.gate.name: each.verdict for each in found} == dict.fromkeys(AIMS, "passed")


@pytest.mark.parametrize("name", AIMS)
def test_a_little_more_than_was_found_fails(name) -> None:
    aim = AIMS[name]
    harder = aim.limit * (1.01 if aim.at_least else 0.99)
    [found] = judged(gates_from([f"{name}={harder}"]), a_result())

    assert found.verdict == "failed"
    assert found.found == pytest.approx(aim.limit)


@pytest.mark.parametrize(
    ("name", "quiet", "verdict"),
    [
        ("cpu", ["speed"], "unknown"),
        ("cpu", ["cpu"], "passed"),
        ("speed", ["cpu"], "unknown"),
        ("latency", ["cpu"], "unknown"),
        ("round-trips", [], "passed"),
        ("idle", [], "passed"),
    ],
)
def test_a_gate_is_judged_only_by_what_is_known(name, quiet, verdict) -> None:
    [found] = judged(gates_from([name]), a_result(quiet))

    assert found.verdict == verdict


def test_speed_must_be_quiet_only_where_it_is_judged() -> None:
    assert set(measures_of(gates_from(["cpu", "idle"]))) == {"cpu"}
    assert set(measures_of(gates_from(["cpu", "one"]))) == {"cpu", "speed"}
