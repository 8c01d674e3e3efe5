import os
import signal
import subprocess
import sys

import psutil
import pytest

from postroom.watchdog import marked, watched
from tests.processes import StartedProcess, StartProcess

FAMILY = """
import os, subprocess, sys, time
from pathlib import Path
nap = [sys.executable, "-c", "import time; time.sleep(60)"]
pids = [os.getpid(), subprocess.Popen(nap).pid, subprocess.Popen(nap, start_new_session=True).pid]
lonely = f"import subprocess as s; print(s.Popen({nap!r}, stdout=-3, start_new_session=True).pid)"
pids.append(int(subprocess.check_output([sys.executable, "-c", lonely])))
print("family", *pids, flush=True)
time.sleep(60)
"""
"""Starts a child, a child in a session of its own, and one whose parent is dead already."""

STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(60)
"""

COUNTING = """
import signal, subprocess, sys, time
count = "import signal, time; signal.signal(15, lambda *_: print('the child too', flush=True))"
count += "; print('ready', flush=True); time.sleep(60)"
child = subprocess.Popen([sys.executable, "-c", count])
def end(*_):
    print("asked", flush=True)
    time.sleep(0.3)
    child.kill()
    sys.exit(7)
signal.signal(signal.SIGTERM, end)
time.sleep(60)
"""


def _watched(start_process: StartProcess, *command: str, grace: float = 5.0) -> StartedProcess:
    arguments = watched(command, "--grace", str(grace))
    return start_process(*arguments, stdin=subprocess.PIPE)


def _let_go(process: StartedProcess) -> int:
    assert process.popen.stdin is not None
    process.popen.stdin.close()
    return process.popen.wait(10)


def _lives(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137)])
def test_the_exit_code_is_the_commands(start_process: StartProcess, script: str, code: int) -> None:
    process = _watched(start_process, "sh", "-c", script)

    assert process.popen.wait(10) == code


def test_a_command_that_does_not_exist_is_told_in_one_line(start_process: StartProcess) -> None:
    process = _watched(start_process, "no-such-command-here")

    assert process.popen.wait(10) == 127
    assert process.output().startswith("no-such-command-here cannot be started:")


def test_letting_go_ends_every_descendant_whatever_its_session_or_parent(
    start_process: StartProcess,
) -> None:
    process = _watched(start_process, sys.executable, "-c", FAMILY)
    pids = [int(word) for word in process.wait_for("\n").split()[1:]]
    assert [_lives(pid) for pid in pids] == [True] * 4

    _let_go(process)

    assert [_lives(pid) for pid in pids] == [False] * 4


def test_a_killed_starter_lets_go(start_process: StartProcess) -> None:
    nap = watched([sys.executable, "-c", FAMILY])
    starter = f"import subprocess, time; subprocess.Popen({nap!r}, stdin=-1); time.sleep(60)"
    process = start_process(sys.executable, "-c", starter)
    pids = [int(word) for word in process.wait_for("\n").split()[1:]]
    guard = psutil.Process(pids[0]).parent()
    assert guard is not None

    process.end(signal.SIGKILL)

    assert psutil.wait_procs([guard], timeout=5)[1] == []
    assert [_lives(pid) for pid in pids] == [False] * 4


def test_a_command_that_does_not_end_is_killed_when_its_time_is_up(
    start_process: StartProcess,
) -> None:
    process = _watched(start_process, sys.executable, "-c", STUBBORN, grace=0.2)
    process.wait_for("ready")

    assert _let_go(process) == 128 + signal.SIGKILL


def test_only_the_command_is_asked_to_end_and_not_its_children(start_process: StartProcess) -> None:
    process = _watched(start_process, sys.executable, "-c", COUNTING)
    process.wait_for("ready")

    assert _let_go(process) == 7
    assert process.output().split("\n") == ["ready", "asked", ""]


def test_a_signal_to_the_watchdog_ends_the_command_as_well(start_process: StartProcess) -> None:
    process = _watched(start_process, "sh", "-c", "echo up; exec sleep 60")
    process.wait_for("up")

    assert process.end(signal.SIGTERM) == 128 + signal.SIGTERM


def test_the_command_has_no_standard_input(start_process: StartProcess) -> None:
    process = _watched(start_process, "cat")

    assert process.popen.wait(10) == 0


def test_what_a_dead_command_leaves_is_ended(start_process: StartProcess) -> None:
    process = _watched(start_process, sys.executable, "-c", FAMILY)
    pids = [int(word) for word in process.wait_for("\n").split()[1:]]

    os.kill(pids[0], signal.SIGKILL)

    assert process.popen.wait(10) == 128 + signal.SIGKILL
    assert [_lives(pid) for pid in pids] == [False] * 4


def test_processes_are_known_by_their_own_mark_only() -> None:
    environment = os.environ | {"POSTROOM_TEST_A": "1"}
    with subprocess.Popen(["sleep", "60"], env=environment) as process:
        try:
            assert [found.pid for found in marked("POSTROOM_TEST_A")] == [process.pid]
            assert marked("POSTROOM_TEST") == []
        finally:
            process.kill()
