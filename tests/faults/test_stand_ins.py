"""A stand-in looks like the program that the nursery runs for it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from postroom.settings import child_environment
from tests.faults.nursery import Nursery
from tests.processes import Eventually, StartProcess

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def environment(warm_nursery: Nursery, tmp_path: Path) -> dict[str, str]:
    path = warm_nursery.stand_ins(tmp_path / "stand-ins")
    return child_environment({"PATH": f"{path}{os.pathsep}{child_environment({})['PATH']}"})


@pytest.fixture
def bash(environment: dict[str, str], tmp_path: Path) -> Run:
    def run(line: str, **changes: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["bash", "-c", line],
            env=environment | changes,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )

    return run


def test_it_has_the_words_variables_folder_and_input_of_who_starts_it(
    bash: Run, tmp_path: Path
) -> None:
    code = "import os, sys; print(sys.argv, os.environ['COLOUR'], os.getcwd(), input(), __name__)"

    done = bash(f'echo hello | python -c "{code}" one "two three"', COLOUR="green")

    told = f"['-c', 'one', 'two three'] green {tmp_path} hello __main__\n"
    assert (done.stdout, done.stderr) == (told, "")


def test_both_outputs_are_its_own_and_so_is_its_exit_code(bash: Run) -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)"

    done = bash(f'python -c "{code}"')

    assert (done.stdout, done.stderr, done.returncode) == ("out\n", "err\n", 7)


def test_a_signal_that_ends_the_program_ends_the_stand_in(bash: Run) -> None:
    killed = bash('exec python -c "import os; os.kill(os.getpid(), 9)"')
    ended = bash('exec timeout 0.2 python -c "import time; time.sleep(60)"')

    assert (killed.returncode, ended.returncode) == (-signal.SIGKILL, 124)


@pytest.mark.parametrize("program", ["rq", "postroom"])
def test_its_help_is_that_of_the_program(bash: Run, program: str) -> None:
    real = Path(sys.executable).parent / program

    assert bash(f"{program} worker --help").stdout == bash(f"{real} worker --help").stdout


def test_a_module_that_is_found_on_the_path_is_imported(bash: Run, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "parcel.py").write_text("print(f'{__name__} is here')")

    done = bash("python -c 'import parcel'; python -m parcel", PYTHONPATH="elsewhere")

    assert done.stdout == "parcel is here\n__main__ is here\n"


def test_an_error_is_told_and_the_code_is_1(bash: Run) -> None:
    done = bash("python -c 'print(1 / 0)'")

    assert done.returncode == 1
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")


def test_the_program_does_not_outlive_a_stand_in_that_was_killed(
    environment: dict[str, str], start_process: StartProcess, eventually: Eventually
) -> None:
    code = "import os, time; print('pid', os.getpid(), '.'); time.sleep(60)"
    process = start_process("python", "-c", code, env=environment)
    pid = int(process.wait_for(".").split()[1])
    assert pid != process.pid

    process.end(signal.SIGKILL)

    assert eventually(lambda: not psutil.pid_exists(pid))
