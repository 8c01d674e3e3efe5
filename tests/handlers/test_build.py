"""What BUILD runs, what it refuses, and that nothing is left running."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from handlers.parts.build_folder import MOST_OUTPUT
from handlers.parts.database import database
from handlers.parts.settings import handler_settings
from messages import BuildConfig, BuildData, BuildMessage
from tests.handlers.conftest import Setting
from tests.processes import Eventually
from workers import enqueue
from workers.testing import Postroom

pytest_plugins = ["workers.testing"]
pytestmark = [pytest.mark.usefixtures("sample")]


def build(*steps: str, **config: object) -> BuildMessage:
    data = BuildData(
        repository="acme/shop", commit="abc", config=BuildConfig(build_steps=steps, **config)
    )
    return BuildMessage(data=data)


def error_of(postroom: Postroom, message: BuildMessage) -> str:
    enqueue(message)
    postroom.drain()
    return postroom.assert_buried(message, reason="permanent").error


def test_steps_run_one_after_the_other_in_one_folder(postroom: Postroom, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = postroom.run(build("sh -c 'echo one > file'", f"sh -c 'cat file > {out}'"))

    assert out.read_text() == "one\n"
    assert [step["exitCode"] for step in result["steps"]] == [0, 0]


def test_without_steps_there_is_nothing_to_do(postroom: Postroom) -> None:
    assert postroom.run(build())["steps"] == []


def test_one_step_that_is_not_allowed_keeps_all_from_running(
    postroom: Postroom, tmp_path: Path
) -> None:
    error = error_of(postroom, build(f"sh -c 'touch {tmp_path}/ran'", "curl http://x"))

    assert "'curl' is not allowed" in error
    assert "BUILD_ALLOWED_COMMANDS" in error
    assert not (tmp_path / "ran").exists()


def test_two_words_admit_only_those_two(postroom: Postroom) -> None:
    assert postroom.run(build("python3 -c 'print(1)'"))
    assert "not allowed" in error_of(postroom, build("python3 setup.py"))


def test_nothing_is_allowed_unless_somebody_says_so(postroom: Postroom, setting: Setting) -> None:
    setting("BUILD_ALLOWED_COMMANDS", "")

    assert "it allows nothing now" in error_of(postroom, build("make"))


def test_no_shell_reads_a_step(postroom: Postroom, tmp_path: Path) -> None:
    postroom.run(build(f"sh -c true; touch {tmp_path}/injected"))

    assert not (tmp_path / "injected").exists()


def test_a_step_that_fails_says_how_and_with_which_words(postroom: Postroom) -> None:
    error = error_of(postroom, build("sh -c 'echo no luck; exit 3'", "sh -c 'touch never'"))

    assert "exit code 3" in error


def test_a_program_that_is_not_there_is_named(postroom: Postroom, setting: Setting) -> None:
    setting("BUILD_ALLOWED_COMMANDS", "no-such-program")

    assert "cannot be started" in error_of(postroom, build("no-such-program"))


def test_steps_see_what_they_build_and_nothing_of_the_worker(
    postroom: Postroom, tmp_path: Path, setting: Setting
) -> None:
    setting("SMTP_PASSWORD", "top secret")
    out = tmp_path / "env"
    postroom.run(build(f"sh -c 'env > {out}'"))
    seen = dict(line.split("=", 1) for line in out.read_text().splitlines() if "=" in line)

    assert "SMTP_PASSWORD" not in seen
    assert (seen["BUILD_REPOSITORY"], seen["BUILD_COMMIT"]) == ("acme/shop", "abc")
    assert Path(seen["HOME"]).parent == handler_settings().build_dir.resolve()


def test_a_fresh_folder_goes_and_a_cached_one_stays(postroom: Postroom, tmp_path: Path) -> None:
    postroom.run(build("sh -c 'touch left'"))
    postroom.run(build("sh -c 'echo x >> left'", cache_enabled=True))
    out = tmp_path / "out"
    postroom.run(build(f"sh -c 'cat left > {out}'", cache_enabled=True))

    assert out.read_text() == "x\n"
    folders = {path.name for path in handler_settings().build_dir.iterdir()}
    assert folders == {"cache", "logs"}


def test_what_it_writes_is_kept_up_to_a_limit(postroom: Postroom) -> None:
    much = 'python3 -c "print(99 * chr(120)); [print(999 * chr(121)) for _ in range(1100)]"'
    result = postroom.run(build(much))
    log = Path(result["log"]).read_bytes()

    assert log.startswith(b"x" * 99)
    assert len(log) <= MOST_OUTPUT + 100
    assert b"further bytes were cut" in log[-100:]


def test_a_build_that_takes_too_long_ends_with_all_it_started(
    postroom: Postroom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.parts.build_process._GRACE_SECONDS", 0.2)
    monkeypatch.setattr("handlers.build._MINUTE", 0.5)
    pids = tmp_path / "pids"
    step = f"sh -c 'sleep 60 & echo $! >> {pids}; trap \"\" TERM; echo $$ >> {pids}; sleep 60'"

    error = error_of(postroom, build(step, timeout_minutes=1))

    assert "took longer than 1 min" in error
    started = [int(line) for line in pids.read_text().split()]
    assert len(started) == 2
    assert not any(psutil.pid_exists(pid) for pid in started)


RUN = """
import os, sys, time
from pathlib import Path
from handlers.parts.build_process import run_command
folder = Path(sys.argv[1])
step = ["sh", "-c", "echo $$ > pid; exec sleep 60"]
run_command(step, folder=folder, environment=dict(os.environ), deadline=time.monotonic() + 60,
            say=print)
"""


def test_a_step_ends_with_the_worker_that_is_killed(tmp_path: Path, eventually: Eventually) -> None:
    worker = subprocess.Popen([sys.executable, "-c", RUN, str(tmp_path)])
    pid = tmp_path / "pid"
    eventually(lambda: pid.exists() and pid.read_text().strip())
    step = psutil.Process(int(pid.read_text()))
    worker.kill()
    worker.wait()

    eventually(lambda: not step.is_running(), within=5)


@pytest.mark.usefixtures("any_database")
def test_the_database_stays_open_while_a_build_runs(postroom: Postroom) -> None:
    before = database()
    postroom.run(build("sh -c true"))

    assert database() is before
