"""What BUILD runs, what it refuses, and that nothing is left running."""

import os
import shlex
import signal
import threading
import time
from pathlib import Path

import psutil
import pytest
from rq.timeouts import JobTimeoutException

from handlers.parts.build_folder import MOST_OUTPUT
from handlers.parts.build_process import run_command
from handlers.parts.database import database
from handlers.parts.settings import handler_settings, program_environment
from messages import BuildConfig, BuildData, BuildMessage, InvalidMessage
from tests.handlers.conftest import Setting
from tests.handlers.processes import Crew
from tests.processes import Eventually
from workers import enqueue
from workers.errors import JobStopped
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
    result = postroom.run(build())

    assert (result["steps"], result["note"]) == ([], "There was nothing to do: no build_steps.")
    assert not handler_settings().build_dir.exists()


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


def test_what_no_program_can_be_given_is_refused_before_it_is_sent() -> None:
    with pytest.raises(InvalidMessage, match="build_steps"):
        BuildConfig(build_steps=("sh -c 'a\0b'",))
    with pytest.raises(InvalidMessage, match="branch"):
        BuildData(repository="acme/shop", branch="a\0b")


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


@pytest.mark.parametrize("patience", [0.3, 10])
def test_two_builds_of_one_branch_at_the_same_time_do_not_share_the_cached_folder(
    crew: Crew, setting: Setting, patience: float
) -> None:
    setting("DATABASE_TIMEOUT", patience)
    alone = "sh -c 'mkdir here && sleep 0.8 && rmdir here'"

    ended = crew.run_together([build(alone, cache_enabled=True) for _ in range(2)])

    assert [step["exitCode"] for each in ended for step in each.result["steps"]] == [0, 0]
    assert [each.result["cached"] for each in ended].count(False) == (patience < 1)
    assert {path.name for path in handler_settings().build_dir.iterdir()} == {"cache", "logs"}


def test_what_it_writes_is_kept_up_to_a_limit(postroom: Postroom) -> None:
    much = 'python3 -c "print(99 * chr(120)); [print(999 * chr(121)) for _ in range(1100)]"'
    result = postroom.run(build(much))
    log = Path(result["log"]).read_bytes()

    assert log.startswith(b"x" * 99)
    assert len(log) <= MOST_OUTPUT + 100
    assert b"further bytes were cut" in log[-100:]


def test_what_the_file_of_a_build_has_no_room_for_is_not_in_the_log_either(
    postroom: Postroom, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.parts.build_folder.MOST_OUTPUT", 10)
    with caplog.at_level("INFO"):
        result = postroom.run(build("sh -c 'echo short; echo far too long; echo last'"))

    assert Path(result["log"]).read_text() == "short\n... 18 further bytes were cut.\n"
    said = [record.msg.get("line") for record in caplog.records if isinstance(record.msg, dict)]
    assert [line for line in said if line] == ["short"]


def test_the_error_of_a_step_that_failed_ends_with_its_last_words(postroom: Postroom) -> None:
    error = error_of(
        postroom, build(f"sh -c 'seq -f %01000.0f 30; echo no luck; exit 3; {500 * ':'}'")
    )

    assert error.endswith("no luck")
    assert "exit code 3" in error


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute and the time to end are short."""
    monkeypatch.setattr("handlers.parts.build_process._GRACE_SECONDS", 0.2)
    monkeypatch.setattr("handlers.build._MINUTE", 0.5)


class Family:
    """A step that starts another process, ignores SIGTERM and does not end by itself."""

    def __init__(self, folder: Path) -> None:
        self._pids = folder / "pids"
        self.step = (
            f'sh -c \'sleep 60 & echo $! >> {self._pids}; trap "" TERM; '
            f"echo $$ >> {self._pids}; sleep 60'"
        )

    def has_started(self) -> bool:
        return self._pids.exists() and len(self._pids.read_text().split()) == 2

    def has_ended(self) -> bool:
        return not any(_runs(int(pid)) for pid in self._pids.read_text().split())


def _runs(pid: int) -> bool:
    # Who ends after its parent is waited for by process 1, which may take its time in a container.
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def family(tmp_path: Path) -> Family:
    return Family(tmp_path)


@pytest.mark.usefixtures("quick")
def test_a_build_that_takes_too_long_ends_with_all_it_started(
    postroom: Postroom, family: Family, eventually: Eventually
) -> None:
    error = error_of(postroom, build(family.step, timeout_minutes=1))

    assert "took longer than 1 min" in error
    assert family.has_started()
    eventually(family.has_ended, within=5)


@pytest.mark.usefixtures("quick")
def test_a_step_that_closes_its_output_has_no_more_time_than_others(postroom: Postroom) -> None:
    error = error_of(postroom, build("sh -c 'exec >&- 2>&-; sleep 60'", timeout_minutes=1))

    assert "took longer than 1 min" in error


def test_a_build_whose_worker_is_killed_ends_with_all_it_started(
    crew: Crew, family: Family, eventually: Eventually
) -> None:
    ended = crew.kill_after(lambda: eventually(family.has_started), build(family.step))

    assert ended.was_killed
    eventually(family.has_ended, within=5)


@pytest.mark.parametrize("error", [JobStopped, JobTimeoutException])
@pytest.mark.usefixtures("quick")
def test_a_build_that_is_interrupted_ends_with_all_it_started(
    family: Family, tmp_path: Path, error: type[BaseException], eventually: Eventually
) -> None:
    def interrupt(*_: object) -> None:
        raise error

    def signal_in_time() -> None:
        eventually(family.has_started)
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, interrupt)
    clock = threading.Thread(target=signal_in_time)
    clock.start()
    with pytest.raises(error):
        run_command(
            shlex.split(family.step),
            folder=tmp_path,
            environment=program_environment(),
            deadline=time.monotonic() + 60,
            say=lambda _: None,
        )
    clock.join()
    signal.signal(signal.SIGUSR1, before)

    eventually(family.has_ended, within=5)


def test_what_a_step_leaves_running_ends_with_it(
    postroom: Postroom, tmp_path: Path, eventually: Eventually
) -> None:
    pid = tmp_path / "pid"
    postroom.run(build(f"sh -c 'sleep 60 & echo $! > {pid}'"))

    eventually(lambda: not _runs(int(pid.read_text())), within=5)


def test_a_step_that_kills_its_own_group_has_failed(postroom: Postroom) -> None:
    assert "was ended by signal 9" in error_of(postroom, build("sh -c 'kill -9 0'"))


def test_a_step_can_read_nothing(postroom: Postroom) -> None:
    assert "exit code 7" in error_of(postroom, build("sh -c 'read line || exit 7'"))


@pytest.mark.usefixtures("any_database")
def test_the_database_stays_open_while_a_build_runs(postroom: Postroom) -> None:
    before = database()
    postroom.run(build("sh -c true"))

    assert database() is before
