"""`postroom logs`: the log file by any field, a job's own lines, and following both."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis

from messages import TestData, TestMessage
from postroom.settings import child_environment
from tests.postroom.commands import Answer, Postroom
from tests.processes import Eventually, StartProcess
from workers import JobHandle, enqueue
from workers.context import Progress
from workers.job_log import JobLog


class Logs:
    """`postroom logs`, or another command."""

    def __init__(self, command_line: Postroom) -> None:
        self._command_line = command_line

    def __call__(self, *arguments: str, command: str = "logs") -> Answer:
        return self._command_line(command, *arguments)


@pytest.fixture
def logs(command_line: Postroom, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Logs:
    monkeypatch.setenv("LOG_FILE", str(tmp_path / "rq.log"))
    return Logs(command_line)


def line(message: str, **values: object) -> str:
    ahead = {"timestamp": "2026-01-15T12:00:00.123456Z", "level": "INFO", "message": message}
    return json.dumps({**ahead, "module": "m", "event": "e", **values}) + "\n"


@pytest.fixture
def log_file(tmp_path: Path) -> Path:
    path = tmp_path / "rq.log"
    (tmp_path / "rq.log.10").write_text(line("first", note_id="1"))
    (tmp_path / "rq.log.2").write_text(line("second", note_id="123", attempt=1))
    (tmp_path / "rq.log.lock").write_text("no log")
    path.write_text(
        line("third", note_id="123", attempt=2, level="ERROR", exception="Traceback\n  here")
        + "printed by a library\n"
        + line("fourth", note_id=123, ok=True)
    )
    return path


def messages(answer: Answer) -> list[str]:
    return [entry["message"] for entry in answer.entries]


@pytest.mark.usefixtures("log_file")
@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([], ["first", "second", "third", "printed by a library", "fourth"]),
        (["note_id=123"], ["second", "third", "fourth"]),
        (["note_id=123", "attempt=2"], ["third"]),
        (["level=ERROR"], ["third"]),
        (["ok=true"], ["fourth"]),
        (["note_id=12"], []),
        (["absent="], []),
    ],
)
def test_lines_are_found_by_any_field_in_all_files_oldest_first(
    logs: Logs, conditions: list[str], expected: list[str]
) -> None:
    options = [word for condition in conditions for word in ("--where", condition)]

    assert messages(logs("--json", *options)) == expected


@pytest.mark.usefixtures("log_file")
def test_only_the_last_lines_are_shown_if_one_says_how_many(logs: Logs) -> None:
    assert messages(logs("--json", "-n", "2", "--where", "note_id=123")) == ["third", "fourth"]


@pytest.mark.usefixtures("log_file")
def test_people_read_time_level_sentence_values_and_the_traceback_below(logs: Logs) -> None:
    answer = logs("--where", "level=ERROR")

    assert answer.out.splitlines() == [
        "12:00:00.123  ERROR    third  note_id=123  attempt=2",
        "    Traceback",
        "      here",
    ]


@pytest.mark.usefixtures("log_file")
def test_people_are_told_that_nothing_was_found(logs: Logs) -> None:
    assert logs("--where", "note_id=12").err == "postroom: There are no such lines.\n"
    assert logs("--where", "note_id=12", "--json").err == ""
    assert logs("--where", "note_id=123").err == ""


def test_what_stands_in_a_log_cannot_steer_the_terminal(logs: Logs, log_file: Path) -> None:
    log_file.write_text(line("red \x1b[31m", note="a\x07b") + "raw \x1b[2J\n")

    assert "\x1b" not in logs().out
    assert "\x07" not in logs().out


def test_colours_are_for_terminals_only(log_file: Path) -> None:
    code = "from postroom.cli import main; main()"
    command = [sys.executable, "-c", code, "logs", "--file", str(log_file)]
    ours, theirs = pty.openpty()
    environment = child_environment({"TERM": "xterm"})

    piped = subprocess.run(command, capture_output=True, env=environment, check=True)
    subprocess.run(command, stdout=theirs, env=environment, check=True)
    os.close(theirs)
    shown = os.read(ours, 100_000)
    os.close(ours)

    assert b"\x1b[31m" in shown
    assert b"\x1b" not in piped.stdout


@pytest.mark.parametrize(
    ("arguments", "cause", "remedy"),
    [
        ([], "There is no log file", "--file"),
        (["--where", "note_id"], "--where 'note_id' is no condition", "note_id=123"),
        (["--where", "=5"], "is no condition", "NAME=VALUE"),
        (["--where", "a=1", "--where", "a=2"], "two values of a", "one of them"),
        (["--job", "nobody"], "There is no job nobody", "Compare the id"),
        (["--job", "nobody", "--follow"], "There is no job nobody", "Compare the id"),
    ],
)
@pytest.mark.usefixtures("redis")
def test_every_refusal_says_why_and_what_to_do(
    logs: Logs, arguments: list[str], cause: str, remedy: str
) -> None:
    refused = logs(*arguments)
    assert (refused.code, refused.out) == (2, "")
    assert cause in refused.err
    assert remedy in refused.err

    as_json = logs(*arguments, "--json")
    assert as_json.code == 2
    assert cause in as_json.entries[0]["error"]["message"]


def test_without_a_log_file_it_says_how_to_get_one(
    logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOG_FILE")

    refused = logs()

    assert refused.code == 2
    assert "No log file is set" in refused.err
    assert "LOG_FILE=rq.log" in refused.err
    assert "--job ID" in refused.err


def test_a_log_without_json_cannot_be_filtered(logs: Logs, log_file: Path) -> None:
    for other in log_file.parent.glob("rq.log.*"):
        other.unlink()
    log_file.write_text("plain\ntext\n")

    assert logs().out == "plain\ntext\n"
    assert "no line of JSON" in logs("--where", "a=1").err


def test_a_reader_that_has_seen_enough_ends_it_quietly(log_file: Path) -> None:
    log_file.write_text(line("x" * 500) * 2_000)
    code = "from postroom.cli import main; main()"
    command = f'"{sys.executable}" -c "{code}" logs --file {log_file} | head -n 1'

    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False
    )

    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


# --- following --------------------------------------------------------------------------------


def test_it_follows_the_file_across_rotations(
    log_file: Path, start_warm: StartProcess, eventually: Eventually
) -> None:
    process = start_warm(
        *("postroom", "logs", "--file", log_file, "--follow", "--json", "-n", "1"),
        *("--where", "note_id=123"),
    )
    process.wait_for("fourth")

    def add(message: str) -> None:
        with log_file.open("a") as file:
            file.write(line(message, note_id="123") + line("other", note_id="5"))

    add("fifth")
    process.wait_for("fifth")
    add("sixth")
    log_file.rename(log_file.with_name("rq.log.1"))
    add("seventh")
    process.wait_for("seventh")
    with log_file.open("a") as file:
        file.write(line("eighth", note_id="123")[:30])
        file.flush()
        file.write(line("eighth", note_id="123")[30:])
    process.wait_for("eighth")
    log_file.write_text("")
    add("ninth")
    process.wait_for("ninth")

    assert process.end(signal.SIGINT) == 0
    seen = [json.loads(each)["message"] for each in process.output().splitlines()]
    assert seen == ["fourth", "fifth", "sixth", "seventh", "eighth", "ninth"]


def test_following_a_file_that_is_not_there_is_refused(logs: Logs) -> None:
    assert "There is no log file" in logs("--follow").err


# --- one job ------------------------------------------------------------------------------------


@pytest.fixture
def handle(redis: Redis) -> JobHandle:
    """A job whose handler logged 25 lines."""
    sent = enqueue(TestMessage(data=TestData(test_type="echo")), connection=redis)
    write(redis, sent, range(25))
    return sent


def write(redis: Redis, handle: JobHandle, numbers: range) -> None:
    log = JobLog(job_id=handle.id, connection=redis, ttl=1000, ttl_if_done=1000)
    for number in numbers:
        log.keep(
            {
                "timestamp": "2026-01-15T12:00:00Z",
                "level": "info",
                "event": f"step_{number}",
                "note_id": str(number % 2),
            }
        )
    log.report(Progress(1.0, "all of it"))
    log.close()


def test_a_jobs_own_lines_come_from_redis(logs: Logs, handle: JobHandle) -> None:
    found = logs("--job", handle.id, "--json").entries

    assert [entry["number"] for entry in found] == list(range(1, 27))
    assert found[0]["event"] == "step_0"
    assert found[-1]["message"] == "100%: all of it"
    odd = logs("--job", handle.id, "--where", "note_id=1", "-n", "2", "--json").entries
    assert [entry["event"] for entry in odd] == ["step_21", "step_23"]


def test_a_jobs_lines_of_the_file_are_those_with_its_id(
    logs: Logs, handle: JobHandle, log_file: Path
) -> None:
    with log_file.open("a") as file:
        file.write(line("its own", job_id=handle.id))

    found = logs("--job", handle.id, "--file", str(log_file), "--json")

    assert messages(found) == ["its own"]


def test_postroom_job_shows_the_last_twenty_lines(logs: Logs, handle: JobHandle) -> None:
    shown = logs(handle.id, command="job").out.splitlines()
    status = logs(handle.id, "--json", command="job").entries[0]

    assert "  log, the last 20 of 26 lines:" in shown
    assert len([each for each in shown if each.startswith("    12:00:00")]) >= 19
    assert "Step 24" in shown[-2]
    assert "100%: all of it" in shown[-1]
    assert status["logLines"] == 26


def test_a_job_is_followed_until_it_is_over(
    redis: Redis, handle: JobHandle, start_warm: StartProcess
) -> None:
    process = start_warm("postroom", "logs", "--job", handle.id, "--follow", "--json", "-n", "1")
    process.wait_for("all of it")
    write(redis, handle, range(30, 32))
    process.wait_for("step_31")

    handle.cancel()

    assert process.popen.wait(10) == 0
    seen = [json.loads(each)["event"] for each in process.output().splitlines()]
    assert seen == ["progress", "step_30", "step_31", "progress"]
