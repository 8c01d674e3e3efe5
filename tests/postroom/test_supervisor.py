import signal
import sys
from pathlib import Path

import psutil

from postroom.procfile import Command
from postroom.supervisor import supervised
from tests.processes import Eventually, StartProcess

POLITE = (
    "import signal, sys, time; "
    "signal.signal(15, lambda *_: (print('finished', flush=True), sys.exit(0))); "
    "print('ready', flush=True); time.sleep(60)"
)

STARTER = """
import sys, time
from pathlib import Path
from postroom.procfile import read_procfile
from postroom.supervisor import supervised
folder = Path(sys.argv[1])
with supervised(read_procfile(folder / "Procfile"), logs=folder / "logs", environment={}):
    print("started", flush=True)
    time.sleep(60)
"""

FORKING = """
import os, subprocess, time
apart = subprocess.Popen(["sleep", "60"], start_new_session=True)
if os.fork() == 0:
    os.setpgrp()
    print("horse", os.getpid(), apart.pid, flush=True)
time.sleep(60)
"""


def _python(name: str, script: str) -> Command:
    return Command(name, (sys.executable, "-c", script), {})


def test_each_command_writes_to_a_log_of_its_own_name(
    tmp_path: Path, eventually: Eventually
) -> None:
    commands = [_python("one", "print('first')"), _python("two", "print('second')")]

    with supervised(commands, logs=tmp_path, environment={}):
        eventually(lambda: (tmp_path / "one.log").read_text() == "first\n")
        eventually(lambda: (tmp_path / "two.log").read_text() == "second\n")


def test_variables_of_a_line_win_over_those_of_all(tmp_path: Path, eventually: Eventually) -> None:
    script = "import os; print(os.environ['A'], os.environ['B'])"
    command = Command("one", (sys.executable, "-c", script), {"B": "line"})

    with supervised([command], logs=tmp_path, environment={"A": "all", "B": "all"}):
        eventually(lambda: (tmp_path / "one.log").read_text() == "all line\n")


def test_a_death_is_reported_with_its_code_and_last_words(
    tmp_path: Path, eventually: Eventually
) -> None:
    commands = [_python("bad", "import sys; print('why'); sys.exit(4)"), _python("good", POLITE)]

    with supervised(commands, logs=tmp_path, environment={}) as running:
        death = eventually(running.deaths)[0]

    assert (death.name, death.code, death.last_lines) == ("bad", 4, ("why",))


def test_at_the_end_each_may_finish_what_it_has_in_hand(
    tmp_path: Path, eventually: Eventually
) -> None:
    with supervised([_python("polite", POLITE)], logs=tmp_path, environment={}) as running:
        eventually(lambda: "ready\n" in (tmp_path / "polite.log").read_text())
        assert running.deaths() == ()

    assert (tmp_path / "polite.log").read_text() == "ready\nfinished\n"


def test_a_killed_starter_leaves_no_process_behind(
    tmp_path: Path, start_process: StartProcess, eventually: Eventually
) -> None:
    (tmp_path / "forking.py").write_text(FORKING)
    (tmp_path / "Procfile").write_text(f"forking: {sys.executable} {tmp_path / 'forking.py'}\n")
    starter = start_process(sys.executable, "-c", STARTER, tmp_path)
    log = tmp_path / "logs" / "forking.log"
    line = eventually(lambda: log.exists() and "\n" in (text := log.read_text()) and text)
    horse, apart = (psutil.Process(int(pid)) for pid in line.split()[1:])
    family = [horse, apart, *(parent for parent in horse.parents() if parent.pid != starter.pid)]
    ours = [one for one in family if "forking.py" in one.cmdline()[-1] or one in {horse, apart}]
    assert len(ours) >= 4  # the horse, its parent, their watchdog, and the one apart

    starter.end(signal.SIGKILL)

    assert psutil.wait_procs(ours, timeout=5)[1] == []


def test_processes_whose_watchdog_was_killed_are_ended_all_the_same(
    tmp_path: Path, eventually: Eventually
) -> None:
    with supervised([_python("one", POLITE)], logs=tmp_path, environment={}) as running:
        eventually(lambda: "ready\n" in (tmp_path / "one.log").read_text())
        guard = psutil.Process(running.processes[0].guard.pid)
        child = guard.children()[0]
        guard.kill()
        death = eventually(running.deaths)[0]
        assert death.code == 128 + signal.SIGKILL

    # A process that ends loses its environment, and with it the mark, a moment before it is over.
    eventually(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
