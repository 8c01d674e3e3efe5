from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

from benchmarks.__main__ import exit_code, gate_from, main, measures_of, rows_from
from benchmarks.arithmetic import Gate
from benchmarks.errors import InvalidRequest
from benchmarks.plan import ROWS, jobs_for
from benchmarks.rounds import Result


def a_result(quiet: list[str] | None) -> Result:
    return Result([], quiet, 0, "redis 7", {}, 1.0)


def test_a_gate_is_a_name_and_a_limit() -> None:
    assert gate_from("cpu=60") == Gate("cpu", 60)
    assert gate_from("round-trips=0.05") == Gate("round-trips", 0.05)


@pytest.mark.parametrize("text", ["cpu", "cpu=", "cpu=fast", "cpu=0", "cpu=nan", "jobs=1", ""])
def test_what_is_no_gate_is_refused_with_the_names_there_are(text) -> None:
    with pytest.raises(InvalidRequest, match="Write one of cpu, speed, round-trips"):
        gate_from(text)


def test_without_names_all_rows_are_run() -> None:
    assert rows_from(None, []) == list(ROWS)


def test_rows_keep_the_order_of_the_table() -> None:
    assert [row.name for row in rows_from("ours,simple", [])] == ["simple", "ours"]


@pytest.mark.parametrize(
    ("text", "gates", "why"),
    [
        ("simple,fastest", [], "no row 'fastest'"),
        ("ours", [], "'simple' is needed"),
        ("enqueue", [], "'rq_enqueue' is needed"),
        ("simple,raw", [Gate("cpu", 60)], "'ours' is needed"),
    ],
)
def test_rows_that_make_no_comparison_are_refused(text, gates, why) -> None:
    with pytest.raises(InvalidRequest, match=why):
        rows_from(text, gates)


def test_a_wrong_option_ends_with_2_and_a_sentence(capsys) -> None:
    assert main(["--gate", "cpu"]) == 2

    assert capsys.readouterr().err.startswith("bench: 'cpu' is not a gate.")


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
    assert exit_code(a_result(quiet), {Gate("cpu", 60): verdict}) == code


def test_speed_must_be_quiet_only_where_it_is_judged() -> None:
    assert set(measures_of([Gate("cpu", 60)])) == {"cpu"}
    assert set(measures_of([Gate("speed", 60)])) == {"cpu", "speed"}


@pytest.mark.parametrize(
    ("rate", "seconds", "jobs"), [(200, 3, 600), (1, 3, 10), (50_000, 3, 10_000)]
)
def test_a_drain_is_neither_empty_nor_more_than_can_be_counted(rate, seconds, jobs) -> None:
    assert jobs_for(rate, seconds) == jobs


def test_the_tool_box_starts_it() -> None:
    path = str(Path(__file__).parents[2] / "run")
    spec = spec_from_loader("run_of_bench", SourceFileLoader("run_of_bench", path))
    tool_box = module_from_spec(spec)
    spec.loader.exec_module(tool_box)

    assert "bench" in tool_box.COMMANDS
    assert tool_box._start_of("bench") == ["-m", "benchmarks"]
    assert tool_box._start_of("demo") == ["-m", "postroom.demo", "demo"]
