import sys
from pathlib import Path

import pytest

from tests.budget import part_of
from tests.processes import StartProcess


@pytest.mark.parametrize(
    ("nodeid", "part"),
    [
        ("tests/messages/test_base.py::test_x", ("messages+handlers", 50)),
        ("tests/handlers/parts/test_mail.py::test_x", ("messages+handlers", 50)),
        ("tests/workers/test_retry.py::test_x[a::b]", ("engine", 90)),
        ("tests/workers/streams/test_wire.py::test_x", ("streams", 40)),
        ("tests/postroom/test_run.py::test_x", ("postroom", None)),
        ("tests/test_architecture.py::test_x", ("tests", None)),
    ],
)
def test_each_test_belongs_to_one_part(nodeid: str, part: tuple[str, float | None]) -> None:
    assert part_of(nodeid) == part


SUITE = """
import time, pytest, tests.budget
tests.budget.WHOLE_SECONDS = 0.01
tests.budget.SLOW_SECONDS = 0.05
def test_long():
    time.sleep(0.1)
@pytest.mark.slow("it must")
def test_long_with_a_reason():
    time.sleep(0.1)
@pytest.mark.parametrize("number", [1, 2])
def test_without(number):
    pytest.skip("no such program")
"""


def test_a_suite_over_its_whole_budget_fails_and_tells_what_is_slow_or_left_out(
    tmp_path: Path, start_process: StartProcess
) -> None:
    file = tmp_path / "test_suite.py"
    file.write_text(SUITE)
    options = ("-p", "tests.budget", "-c", "pyproject.toml", "--rootdir", tmp_path)
    process = start_process(
        sys.executable, "-m", "pytest", *options, "-p", "no:cacheprovider", file
    )

    assert process.popen.wait(60) == 1, process.output()
    assert "2 passed" in process.output()
    assert "2 tests: no such program\n" in process.output()
    assert "OVER BUDGET" in process.output()
    assert "without the mark slow and a reason: test_suite.py::test_long\n" in process.output()
    assert "test_long_with_a_reason" not in process.output()
