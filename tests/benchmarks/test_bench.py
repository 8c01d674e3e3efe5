"""One tiny bench with all its parts: processes, server, proxy, MONITOR and table."""

import json
from dataclasses import replace

import psutil
import pytest

from benchmarks import contestant
from benchmarks.contestant import started
from benchmarks.errors import BenchFailed
from benchmarks.gates import gates_from, judged
from benchmarks.idle import QUEUES, idle
from benchmarks.message import MESSAGE_BYTES, indexed_messages, sample_messages
from benchmarks.plan import ROWS, STREAM_ROWS, Plan
from benchmarks.rounds import bench
from benchmarks.server import bench_server
from benchmarks.table import as_json, as_text

# Long enough for the clock of the CPU, which ticks each 10 ms, to see every row at work.
TINY = Plan(
    rounds=1,
    slice_seconds=0.1,
    counted_jobs=10,
    budget_seconds=0,
    idle_jobs=5,
    idle_rest=0.1,
    idle_seconds=1.2,
)

RAW = next(row for row in ROWS if row.name == "raw")


def test_every_message_has_the_size_that_is_told() -> None:
    messages = list(sample_messages(3))

    assert [len(message.to_json()) for message in messages] == [MESSAGE_BYTES] * 3
    assert len({message.message_id for message in messages}) == 3


@pytest.mark.slow("three processes load the application, and each drains its queue six times")
def test_a_bench_counts_what_each_row_does_and_leaves_nothing_behind(tmp_path) -> None:
    rows = [row for row in ROWS if row.name in {"simple", "raw", "ours"}]
    before = psutil.Process().children(recursive=True)

    result = bench(TINY, rows, tmp_path, needed=("cpu",))

    assert [found.row.name for found in result.rows] == ["simple", "raw", "ours"]
    simple, raw, ours = result.rows
    # The commands of RQ 3.0, as they were counted by hand from MONITOR.
    assert simple.counts.commands == pytest.approx(57, abs=1)
    assert simple.counts.round_trips == pytest.approx(20, abs=1)
    assert (raw.counts.commands, raw.counts.round_trips) == (1, 1)
    assert ours.counts.calls > ours.counts.commands
    for found in result.rows:
        assert found.typical.worker_us > 0
        assert found.typical.memory_bytes > 10_000_000
    assert simple.comparison is None
    assert result.quiet is None
    assert result.server_settings["appendonly"] == ("no", "yes")
    text = as_text(result, judged(gates_from(["cpu"]), result))
    assert "gate cpu at least 60: unknown" in text
    assert "log_jobs all" in text
    assert json.loads(json.dumps(as_json(result, [])))["rows"][1]["commandsPerJob"] == 1
    assert set(psutil.Process().children(recursive=True)) <= set(before)


@pytest.mark.drill
@pytest.mark.slow("five processes load the application, and each stores its messages six times")
def test_producers_are_compared_with_those_of_rq(tmp_path) -> None:
    names = ["rq_enqueue", "enqueue", "rq_enqueue_many", "enqueue_many", "indexed", "tenants"]
    rows = [row for row in ROWS if row.name in names]

    result = bench(TINY, rows, tmp_path, needed=("cpu",))

    counts = {found.row.name: found.counts for found in result.rows}
    assert list(counts) == names
    assert counts["rq_enqueue"].round_trips == pytest.approx(2, abs=0.5)
    assert counts["enqueue"].round_trips == pytest.approx(1, abs=0.5)
    assert counts["enqueue"].commands < counts["rq_enqueue"].commands
    assert [found.row.base for found in result.rows if found.comparison] == [
        "rq_enqueue",
        "rq_enqueue_many",
        "enqueue_many",
    ]
    assert "against rq Queue.enqueue_many" in as_text(result, [])


@pytest.mark.drill
@pytest.mark.slow("five processes load the application, and each drains its stream six times")
def test_consumers_of_streams_are_compared_with_a_raw_loop(tmp_path) -> None:
    names = ["stream-raw", "stream-read", "stream", "stream-unfenced", "stream-claim"]
    rows = [row for row in STREAM_ROWS if row.name in names]

    # They are so quick that filling their streams takes longer than draining them.
    result = bench(replace(TINY, slice_seconds=0.05), rows, tmp_path, needed=("cpu",))

    counts = {found.row.name: found.counts for found in result.rows}
    assert list(counts) == names
    assert counts["stream-raw"].commands == pytest.approx(0.2, abs=0.1)  # of 10: one and one
    assert {found.row.base for found in result.rows if found.comparison} == {"stream-raw"}
    assert result.of("stream-read").comparison.speed.median < 1


def test_an_entry_that_was_not_acknowledged_stops_the_bench(tmp_path) -> None:
    (raw, *_) = STREAM_ROWS
    with bench_server(tmp_path) as server, started(raw, server.url, tmp_path) as process:
        process.described()
        process.fill(3, server.url)

        with pytest.raises(BenchFailed, match="handled 0 of 3 messages"):
            process.check(3, server.url)


@pytest.mark.drill
@pytest.mark.slow("seven workers start, most of them one after the other")
def test_idle_workers_are_asked_how_soon_they_begin_and_what_they_ask(tmp_path) -> None:
    with bench_server(tmp_path / "data") as server:
        found = idle(TINY, server, tmp_path)

    assert {row: len(each) for row, each in found.latencies.items()} == {"simple": 5, "ours": 5}
    assert all(0 < seconds < 1 for each in found.latencies.values() for seconds in each)
    assert found.trips["ours"] < found.trips["simple"]
    assert set(found.commands) == set(QUEUES)
    assert all(rate > 0 for rate in found.commands.values())


def test_messages_with_an_index_have_that_size_too() -> None:
    messages = list(indexed_messages(3))

    assert [len(message.to_json()) for message in messages] == [MESSAGE_BYTES] * 3


def test_a_worker_that_ends_is_reported_with_the_last_line_of_its_log(tmp_path) -> None:
    broken = replace(RAW, variables=(("RESULT_TTL", "-1"),))

    with (
        started(broken, "redis://127.0.0.1:1", tmp_path) as process,
        pytest.raises(BenchFailed) as e,
    ):
        process.described()

    assert "row 'raw' ended" in str(e.value)
    assert "RESULT_TTL" in str(e.value)


def test_a_worker_that_was_killed_is_reported_too(tmp_path) -> None:
    with started(RAW, "redis://127.0.0.1:1", tmp_path) as process:
        process.described()
        process.process.kill()
        process.process.wait()

        with pytest.raises(BenchFailed, match="row 'raw' ended"):
            process.fill(1, "redis://127.0.0.1:1")


def test_a_message_that_was_not_handled_stops_the_bench(tmp_path) -> None:
    with bench_server(tmp_path) as server, started(RAW, server.url, tmp_path) as process:
        process.described()
        process.fill(3, server.url)
        process.drain(2, server.url)

        with pytest.raises(BenchFailed, match="handled 2 of 3 messages"):
            process.check(3, server.url)


def test_the_surroundings_change_nothing_for_a_row(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("RESULT_TTL", "1")
    monkeypatch.setenv("RQ_KEY_PREFIX", "other")

    own = contestant.environment(RAW, "redis://127.0.0.1:1", tmp_path)

    assert {"RESULT_TTL", "RQ_KEY_PREFIX"} & set(own) == set()
