from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

from benchmarks.__main__ import exit_code, main, rows_from
from benchmarks.errors import InvalidRequest
from benchmarks.gates import Gate, Judgement
from benchmarks.plan import ROWS, STREAM_ROWS, jobs_for
from benchmarks.rounds import Result


def a_result(quiet: list[str] | None) -> Result:
    return Result([], quiet, 0, "redis 7", {}, 1.0)


def test_without_names_all_rows_are_run_but_those_that_must_be_named() -> None:
    usual = [row for row in ROWS if row.name != "traced"]

    assert rows_from(None, []) == (usual, True)
    assert [row.name for row in rows_from("simple,ours,traced", [])[0]] == [
        *("simple", "ours", "traced"),
    ]


def test_streams_have_rows_of_their_own() -> None:
    assert rows_from(None, [], STREAM_ROWS) == (list(STREAM_ROWS), False)
    with pytest.raises(InvalidRequest, match="no row 'idle'"):
        rows_from("stream-raw,idle", [], STREAM_ROWS)
    with pytest.raises(InvalidRequest, match="'stream-raw' is needed"):
        rows_from("stream", [], STREAM_ROWS)


def test_rows_keep_the_order_of_the_table() -> None:
    rows, with_idle = rows_from("ours,simple", [])

    assert ([row.name for row in rows], with_idle) == (["simple", "ours"], False)


@pytest.mark.parametrize(
    ("text", "gates", "why"),
    [
        ("simple,fastest", [], "no row 'fastest'"),
        ("ours", [], "'simple' is needed"),
        ("enqueue", [], "'rq_enqueue' is needed"),
        ("idle", [], "'simple' is needed"),
        ("traced", [], "'ours' is needed"),
        ("simple,raw", [Gate("cpu", 60)], "'ours' is needed"),
        ("simple,ours", [Gate("latency", 0.3)], "'idle' is needed"),
    ],
)
def test_rows_that_make_no_comparison_are_refused(text, gates, why) -> None:
    with pytest.raises(InvalidRequest, match=why):
        rows_from(text, gates)


def test_a_wrong_option_ends_with_2_and_a_sentence(capsys) -> None:
    assert main(["--gate", "cpu="]) == 2

    assert capsys.readouterr().err.startswith("bench: 'cpu=' is not a gate.")


@pytest.mark.parametrize(
    ("quiet", "verdict", "code"),
    [
        (["cpu", "speed"], "passed", 0),
        (["cpu"], "passed", 0),
        (["cpu"], "unknown", 3),
        (["cpu", "speed"], "failed", 1),
        (["speed"], "passed", 3),
        ([], "failed", 1),
        (None, "passed", 0),
    ],
)
def test_the_exit_code_tells_failed_from_noisy(quiet, verdict, code) -> None:
    judgement = Judgement(Gate("cpu", 60), 59.0, verdict)

    assert exit_code(a_result(quiet), [judgement]) == code


@pytest.mark.parametrize(
    ("rate", "seconds", "row", "jobs"),
    [
        (200, 3, ROWS[0], 600),
        (1, 3, ROWS[0], 10),
        (50_000, 3, ROWS[0], 10_000),
        (50_000, 3, STREAM_ROWS[0], 50_000),
    ],
)
def test_a_drain_is_neither_empty_nor_more_than_can_be_counted(rate, seconds, row, jobs) -> None:
    assert jobs_for(rate, seconds, row) == jobs


def test_the_tool_box_starts_it() -> None:
    path = str(Path(__file__).parents[2] / "run")
    spec = spec_from_loader("run_of_bench", SourceFileLoader("run_of_bench", path))
    tool_box = module_from_spec(spec)
    spec.loader.exec_module(tool_box)

    assert "bench" in tool_box.COMMANDS
    assert tool_box._start_of("bench") == ["-m", "benchmarks"]
    assert tool_box._start_of("demo") == ["-m", "postroom.demo", "demo"]
