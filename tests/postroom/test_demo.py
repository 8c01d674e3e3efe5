import json
import signal
import sys
from pathlib import Path

import psutil
import pytest

from tests.processes import Eventually, StartedProcess, StartProcess

ROOT = Path(__file__).parents[2]
WORKER = "worker: rq worker-pool -n 2 -w workers.MessageWorker -c worker_settings\n"
STREAMS = "streams: postroom streams worker --count 2\n"
WEB = "web: postroom web\n"


def _start(
    start_process: StartProcess, folder: Path, procfile: str, *arguments: str, deadline: float = 90
) -> StartedProcess:
    (folder / "Procfile").write_text(procfile)
    environment = {
        "DATA_DIR": str(folder / "data"),
        "POSTROOM_PROCFILE": str(folder / "Procfile"),
        "POSTROOM_DEMO_DEADLINE": str(deadline),
        "POSTROOM_GRACE_SECONDS": "3",
    }
    command = (sys.executable, "-m", "postroom.demo", *arguments)
    return start_process(*command, env=environment, cwd=ROOT)


def _family(folder: Path) -> set[psutil.Process]:
    """All processes that were told of the folder, or were started with it."""

    def belongs(process: psutil.Process) -> bool:
        try:
            told = process.environ().get("DATA_DIR", "")
            words = " ".join(process.cmdline())
        except psutil.Error:
            return False
        return str(folder) in told or str(folder) in words

    return {process for process in psutil.process_iter() if belongs(process)}


@pytest.mark.slow("everything starts and ends for real")
def test_without_a_worker_a_round_fails_and_names_what_is_missing(
    tmp_path: Path, start_process: StartProcess
) -> None:
    demo = _start(start_process, tmp_path, WEB, "demo", "--once", deadline=1)

    assert demo.popen.wait(60) == 1
    assert "0 of 16 messages ended as they should." in demo.output()
    assert demo.output().count("no effect was found, its job is queued") == 10
    assert demo.output().count("no effect was found, its job is gone") == 6  # entries, not jobs


@pytest.mark.slow("everything starts and ends for real, then a whole round with its back-offs")
def test_a_killed_demo_leaves_no_process_behind_and_a_round_passes_on_its_data(
    tmp_path: Path, start_process: StartProcess, eventually: Eventually
) -> None:
    demo = _start(start_process, tmp_path, WORKER + STREAMS + WEB, "demo")
    demo.wait_for("done  ", within=60)
    family = _family(tmp_path)
    assert len(family) >= 8  # demo; server, pool, web, each with its watchdog; workers
    demo.end(signal.SIGKILL)
    eventually(lambda: not _family(tmp_path), within=10)

    again = _start(start_process, tmp_path, WORKER + STREAMS + WEB, "demo", "--once")

    assert again.popen.wait(100) == 0, again.output()
    assert "17 of 17 messages ended as they should." in again.output()
    assert again.output().count("tried again after") >= 6  # three, in passing and at the end
    assert "web answers at" in again.output()
    assert _family(tmp_path) == set()


@pytest.mark.slow("everything starts and ends for real")
def test_dev_runs_the_procfile_shows_logs_and_deaths_and_ends_with_ctrl_c(
    tmp_path: Path, start_process: StartProcess
) -> None:
    dev = _start(start_process, tmp_path, WEB + "bad: sh no-such-script\n", "dev")
    dev.wait_for("web | Postroom is at http", within=60)
    dev.wait_for("bad ended with code")
    told = json.loads((tmp_path / "data" / "redis.json").read_text())
    assert told["url"].removeprefix("redis://") in dev.output()

    assert dev.end(signal.SIGINT) == 0

    assert "no-such-script" in dev.output()
    assert "Everything has ended." in dev.output()
    assert not (tmp_path / "data" / "redis.json").exists()
    assert _family(tmp_path) == set()


def test_the_first_line_comes_soon_and_what_cannot_be_started_is_told_in_one(
    tmp_path: Path, start_process: StartProcess
) -> None:
    demo = _start(start_process, tmp_path, "web postroom web\n", "demo", "--timing")

    assert demo.popen.wait(60) == 2
    first, timing, last = demo.output().splitlines()
    assert first.startswith("Postroom: starting")
    assert 0 < float(timing.removeprefix("The first line came ").split()[0]) < 2
    assert last.startswith("postroom: Procfile:1 has 'web postroom web'.")
