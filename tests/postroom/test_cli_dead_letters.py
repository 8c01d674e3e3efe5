import json
import os
import pty
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from postroom.address import free_port
from postroom.settings import child_environment
from tests.postroom.commands import Answer, Postroom
from tests.workers.letters import bury_message, email, letter
from workers import audit, dead_letters, keys

DeadLetters = Callable[..., Answer]


@pytest.fixture
def call(redis: Redis, command_line: Postroom) -> DeadLetters:
    return partial(command_line, "dead-letters")


@pytest.fixture
def job_id(redis: Redis) -> str:
    """A dead EMAIL."""
    return bury_message(redis, email())


def envelope_of(redis: Redis, job: str) -> Any:
    return json.loads(redis.hget(keys.job(job), "data"))[2][0]  # type: ignore[arg-type]


def test_list_in_json_is_a_list_with_the_names_that_scripts_rely_on(
    redis: Redis, call: DeadLetters, job_id: str
) -> None:
    dead_letters.bury(letter("older"), meta={}, connection=redis)

    answer = call("list", "--json")

    first, second = answer.json
    assert answer.code == 0
    assert (
        first.items()
        >= {
            "jobId": job_id,
            "messageType": "EMAIL",
            "reason": "exhausted",
            "error": "SMTPConnectError: refused",
            "queue": "email",
        }.items()
    )
    assert (second["jobId"], second["buriedAt"]) == ("older", "2026-01-15T12:00:00.000Z")


def test_list_shows_what_a_person_needs(call: DeadLetters, job_id: str) -> None:
    lines = call("list").out.splitlines()

    assert lines[0].split() == ["JOB", "TYPE", "QUEUE", "REASON", "BURIED", "TRIES", "ERROR"]
    assert lines[1].startswith(f"{job_id}  EMAIL  email  exhausted  ")
    assert lines[1].endswith("SMTPConnectError: refused")


def test_list_without_letters_says_so(call: DeadLetters) -> None:
    assert call("list").out == "No dead letters.\n"
    assert call("list", "--json").json == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--type", "EMAIL"), ["EMAIL"]),
        (("--queue", "default"), ["TEST"]),
        (("--reason", "permanent"), ["TEST"]),
        (("--error", "refused"), ["EMAIL"]),
        (("--since", "2h"), ["EMAIL"]),
        (("--until", "2026-01-16T00:00:00Z"), ["TEST"]),
        (("--limit", "1"), ["EMAIL"]),
    ],
)
@pytest.mark.usefixtures("job_id")
def test_list_takes_filters(
    redis: Redis, call: DeadLetters, options: tuple[str, ...], expected: list[str]
) -> None:
    dead_letters.bury(letter("older"), meta={}, connection=redis)

    found = call("list", "--json", *options).json

    assert [each["messageType"] for each in found] == expected


def test_list_goes_on_behind_a_cursor(redis: Redis, call: DeadLetters, job_id: str) -> None:
    dead_letters.bury(letter("older"), meta={}, connection=redis)
    told = re.search(r"--cursor '(.*)'", call("list", "--limit", "1").out)
    first = call("list", "--limit", "1", "--json").json

    assert told is not None
    assert told[1] == first[0]["cursor"]
    assert [each["jobId"] for each in call("list", "--cursor", told[1], "--json").json] == ["older"]


@pytest.mark.parametrize("text", ["yesterday", "2026-01-15T12:00:00", "2 hours"])
def test_a_time_that_cannot_be_read_is_refused(call: DeadLetters, text: str) -> None:
    answer = call("list", "--since", text, "--json")

    assert (answer.code, answer.json["error"]["field"]) == (2, "since")


def test_an_error_text_cannot_steer_the_terminal(redis: Redis, call: DeadLetters) -> None:
    bad = letter("bad", error="\x1b[2J", envelope="\x1b[2J", traceback="\x1b[2J")
    dead_letters.bury(bad, meta={}, connection=redis)

    assert "\x1b" not in call("list").out + call("show", "bad").out


def test_an_error_that_is_cut_short_in_a_list_is_whole_in_show(
    redis: Redis, call: DeadLetters
) -> None:
    error = f"The disk is full: {'x' * 200}"
    dead_letters.bury(letter("long", error=error), meta={}, connection=redis)

    assert call("list").out.splitlines()[1].endswith("xxx…")
    assert error in call("show", "long").out


def test_show_tells_how_it_died_and_what_to_do(call: DeadLetters, job_id: str) -> None:
    told = call("show", job_id).out

    assert told.startswith(f"EMAIL {job_id}\n")
    assert "reason: exhausted" in told
    assert '"to": "ada-1@example.com"' in told
    assert f"postroom dead-letters replay {job_id}" in told


def test_show_of_what_holds_no_message_does_not_promise_a_replay(
    redis: Redis, call: DeadLetters
) -> None:
    dead_letters.bury(letter("odd", envelope="rubbish"), meta={}, connection=redis)

    told = call("show", "odd").out

    assert "dead-letters replay" not in told
    assert "postroom dead-letters purge odd" in told


def test_show_in_json_has_the_message(call: DeadLetters, job_id: str) -> None:
    found = call("show", job_id, "--json").json

    assert found["jobId"] == job_id
    assert found["message"]["data"]["template"] == "welcome"


def test_show_masks_what_is_named_like_a_secret_in_a_type_that_is_not_known(
    redis: Redis, call: DeadLetters
) -> None:
    envelope = {"messageType": "FROM_TOMORROW", "data": {"password": "hunter2"}}
    dead_letters.bury(letter("odd", envelope=envelope), meta={}, connection=redis)

    answer = call("show", "odd", "--json")

    assert answer.json["message"]["data"] == {"password": "***"}


@pytest.mark.parametrize("command", ["show", "replay", "purge"])
def test_a_letter_that_is_not_there_ends_with_2(call: DeadLetters, command: str) -> None:
    answer = call(command, "nothing", "--json")

    assert answer.code == 2
    assert answer.json["error"]["code"] == "dead_letter_not_found"
    assert "dead-letters list" in call(command, "nothing").err


def test_edit_prints_the_difference_and_stores_who_and_why(
    redis: Redis, call: DeadLetters, job_id: str
) -> None:
    patch = '{"to": "grace@example.com"}'

    answer = call("edit", job_id, "--data", patch, "--actor", "ada", "--reason", "typo", "--json")

    change = {"field": "data.to", "before": "ada-1@example.com", "after": "grace@example.com"}
    assert answer.json == {"success": True, "changes": [change]}
    found = dead_letters.find(job_id, connection=redis)
    assert found is not None
    assert (found.edits[0]["actor"], found.edits[0]["reason"]) == ("ada", "typo")
    assert "edited by ada" in call("show", job_id).out
    assert "Nothing to change" in call("edit", job_id, "--data", patch).out


def test_replay_merges_checks_and_prints_the_new_id(
    redis: Redis, call: DeadLetters, job_id: str
) -> None:
    answer = call("replay", job_id, "--data", '{"to": "grace@example.com"}', "--json")

    assert answer.code == 0
    assert list(answer.json) == ["success", "newJobId"]
    assert answer.json["success"] is True
    envelope = envelope_of(redis, answer.json["newJobId"])
    assert envelope["data"]["to"] == "grace@example.com"
    assert envelope["causationId"] == job_id


def test_replay_of_data_that_does_not_fit_prints_the_error_and_ends_with_2(
    redis: Redis, call: DeadLetters, job_id: str
) -> None:
    answer = call("replay", job_id, "--data", '{"colour": "red"}', "--json")

    assert answer.code == 2
    assert answer.json["success"] is False
    assert answer.json["error"]["field"] == "data.colour"
    assert answer.json["error"]["remedy"]
    assert dead_letters.count(connection=redis) == 1


@pytest.mark.parametrize("data", ["{", "[]", "3", "@nowhere.json"])
def test_data_that_is_no_object_is_refused(call: DeadLetters, job_id: str, data: str) -> None:
    answer = call("replay", job_id, "--data", data, "--json")

    assert (answer.code, answer.json["error"]["field"]) == (2, "data")


def test_replay_takes_options_and_a_file(
    redis: Redis, call: DeadLetters, job_id: str, tmp_path: Path
) -> None:
    patch = tmp_path / "patch.json"
    patch.write_text('{"subject": "Again"}')

    options = ("--priority", "2", "--attempts", "5", "--backoff", "fixed:30", "--timeout", "9")
    answer = call(
        "replay", job_id, "--data", f"@{patch}", *options, "--to-queue", "mended", "--json"
    )

    stored: Any = redis.hgetall(keys.job(answer.json["newJobId"]))
    assert (stored[b"origin"], stored[b"timeout"]) == (b"mended:high", b"9")
    assert json.loads(stored[b"meta"])["backoff"] == {"type": "fixed", "delay": 30.0}


def test_a_dry_run_of_all_shows_what_the_run_then_replays(
    redis: Redis, call: DeadLetters, job_id: str
) -> None:
    dead_letters.bury(letter("other"), meta={}, connection=redis)
    all_of_type = ("replay", "--all", "--type", "EMAIL", "--json")

    shown = call(*all_of_type, "--dry-run")
    later = bury_message(redis, email(2))
    done = call(*all_of_type, "--rate", "50/s")

    assert shown.json == done.json == [job_id]
    assert (shown.code, done.code) == (0, 0)
    assert {each.job_id for each in dead_letters.newest(9, connection=redis)} == {"other", later}


def test_people_are_told_what_a_dry_run_would_do(call: DeadLetters, job_id: str) -> None:
    told = call("replay", "--all", "--dry-run").out

    assert "Would replay 1 dead letter; nothing was changed." in told
    assert job_id in told
    assert "Replayed 1 dead letter." in call("replay", "--all").out


@pytest.mark.usefixtures("job_id")
def test_what_cannot_be_replayed_is_named_and_the_rest_is_replayed(
    redis: Redis, call: DeadLetters
) -> None:
    dead_letters.bury(letter("odd", envelope="rubbish"), meta={}, connection=redis)

    answer = call("replay", "--all", "--json")

    assert (answer.code, len(answer.json)) == (1, 1)
    assert "  odd: The letter of job odd" in answer.err


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("job", "--all"),
        ("job", "--type", "EMAIL"),
        ("job", "--dry-run"),
        ("--all", "--data", "{}"),
        ("--all", "--attempts", "3"),
        ("--all", "--rate", "fast"),
        ("--all", "--rate", "0/s"),
        ("job", "--backoff", "linear"),
    ],
)
def test_words_that_do_not_go_together_are_refused(
    redis: Redis, call: DeadLetters, job_id: str, words: tuple[str, ...]
) -> None:
    answer = call("replay", *(job_id if word == "job" else word for word in words), "--json")

    assert (answer.code, answer.json["error"]["code"]) == (2, "invalid_option")
    assert dead_letters.count(connection=redis) == 1


def test_purge_removes_one_or_all_of_a_filter(redis: Redis, call: DeadLetters, job_id: str) -> None:
    second = bury_message(redis, email(2))

    assert call("purge", job_id, "--json").json == {"success": True, "jobId": job_id}
    assert call("purge", "--all", "--type", "EMAIL", "--dry-run", "--json").json == [second]
    assert dead_letters.count(connection=redis) == 1
    assert call("purge", "--all", "--type", "EMAIL", "--json").json == [second]
    assert dead_letters.count(connection=redis) == 0


def test_what_was_exported_can_be_imported(
    redis: Redis, call: DeadLetters, job_id: str, tmp_path: Path
) -> None:
    file = tmp_path / "letters.jsonl"

    assert call("export", str(file), "--json").json == {"success": True, "exported": 1}
    assert file.read_text() == call("export").out
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    call("purge", job_id)
    with file.open("a") as lines:
        lines.write("rubbish\n")
    answer = call("import", str(file), "--json")

    assert answer.code == 1
    assert (answer.json["imported"], answer.json["refusedLines"][0]["line"]) == (1, 2)
    assert call("import", str(file)).out.startswith("Imported 0 dead letters, filled in 0")
    assert dead_letters.count(connection=redis) == 1


def test_an_import_says_what_it_skipped_and_why(
    call: DeadLetters, job_id: str, tmp_path: Path
) -> None:
    file = str(tmp_path / "letters.jsonl")
    call("export", file)
    new_id = call("replay", job_id, "--json").json["newJobId"]

    found = call("import", file, "--json").json

    assert (found["success"], found["imported"], found["skipped"]) == (True, 0, 1)
    assert found["skippedBecause"] == {"there": 0, "replayed": 1, "requeued": 0}
    assert found["replayedAs"] == {job_id: new_id}
    assert "Skipped 1 that were replayed since, under new ids." in call("import", file).out


def test_files_that_cannot_be_used_are_refused(call: DeadLetters, tmp_path: Path) -> None:
    (tmp_path / "there").touch()

    for words in (("export", "there"), ("export", "no/folder"), ("import", "nothing")):
        answer = call(words[0], str(tmp_path / words[1]), "--json")
        assert (answer.code, answer.json["error"]["code"]) == (2, "file_unusable")


@pytest.mark.parametrize(
    "words",
    [
        ("list",),
        ("show", "job-1"),
        ("edit", "job-1", "--data", "{}"),
        ("replay", "job-1"),
        ("replay", "--all"),
        ("replay", "--all", "--dry-run"),
        ("purge", "job-1"),
        ("purge", "--all"),
        ("export",),
        ("import", "FILE"),
    ],
)
def test_without_redis_each_command_says_so_and_ends_with_2(
    call: DeadLetters, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis://:hunter2@127.0.0.1:{free_port()}/0")
    file = tmp_path / "letters.jsonl"
    file.touch()

    answer = call(*(str(file) if word == "FILE" else word for word in words), "--json")

    assert (answer.code, answer.json["error"]["code"]) == (2, "redis_unavailable")
    assert "hunter2" not in answer.out + answer.err


def test_every_action_is_in_the_audit_log_under_the_login_name(
    redis: Redis, call: DeadLetters, job_id: str
) -> None:
    call("edit", job_id, "--data", '{"subject": "Hi"}')
    call("replay", job_id)
    call("purge", "--all")
    call("export")

    told = audit.entries(connection=redis)

    assert [entry.action for entry in reversed(told)] == [
        "dead_letter.edit",
        "dead_letter.replay",
        "dead_letter.purge_all",
        "dead_letter.purge_all_ended",
        "dead_letter.export",
    ]
    assert all(entry.actor and entry.reason for entry in told)


def test_a_terminal_gets_a_progress_bar_and_a_pipe_does_not(redis: Redis) -> None:
    for number in range(3):
        bury_message(redis, email(number))
    script = "from postroom.cli import main; main()"
    command = [sys.executable, "-c", script, "dead-letters", "replay", "--all"]
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0), os.fdopen(theirs, "wb", buffering=0) as terminal:
        shown = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=terminal,
            stderr=subprocess.PIPE,
            env=child_environment({"TERM": "xterm", "TTY_COMPATIBLE": "1"}),
            check=True,
            timeout=30,
        )
    bury_message(redis, email(9))
    piped = subprocess.run(
        command, capture_output=True, env=child_environment({}), check=True, timeout=30
    )

    assert b"Replaying" in shown.stderr
    assert b"3/3" in shown.stderr
    assert b"Replayed 1 dead letter." in piped.stdout
    assert b"Replaying" not in piped.stderr
