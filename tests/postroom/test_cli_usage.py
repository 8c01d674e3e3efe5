"""What the command line says, as JSON, about words that it cannot use."""

import json
import sys
from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any

import pytest
import typer

import workers
from postroom import arguments
from postroom.cli import build_app, main
from tests.processes import StartProcess
from workers import cleanup, operations, settings

Refused = Callable[..., dict[str, Any]]


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refused:
    """The error object that a command prints."""

    def call(*words: str) -> dict[str, Any]:
        settings.load_settings.cache_clear()
        monkeypatch.setattr(sys, "argv", ["postroom", *words, "--json"])
        with pytest.raises(SystemExit) as ended:
            main()
        written = capsys.readouterr()
        assert (ended.value.code, written.err) == (2, "")
        told: dict[str, Any] = json.loads(written.out)
        assert told["success"] is False
        assert told["error"]["message"]
        assert told["error"]["remedy"]
        error: dict[str, Any] = told["error"]
        return error

    return call


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (("jobs", "cancel", "one"), "reason"),
        (("jobs", "cancel", "--reason", "x"), "job_id"),
        (("dead-letters", "list", "--limit", "0"), "limit"),
        (("queues", "clear", "email", "nothing", "--reason", "x"), "what"),
        (("send", "EMAIL"), "data"),
        (("worker", "--count", "0"), "count"),
        (("nonsense",), None),
        (("health", "--nonsense"), None),
    ],
)
def test_a_wrong_word_is_told_as_json_where_json_was_asked_for(
    refused: Refused, words: tuple[str, ...], field: str | None
) -> None:
    error = refused(*words)

    assert (error["code"], error["field"]) == ("invalid_usage", field)
    assert "--help" in error["remedy"]


def test_what_runs_on_tells_its_errors_as_json_too(
    refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_DEMO", "1")

    assert refused("web", "--host", "0.0.0.0")["code"] == "address_refused"


def test_a_worker_tells_its_errors_as_json_too(start_warm: StartProcess) -> None:
    # In a process of its own: a worker takes the log of its process over.
    environment = {"HANDLER_PACKAGES": "nowhere_to_be_found"}
    worker = start_warm("postroom", "worker", "email", "--json", env=environment)

    assert worker.popen.wait(60) == 2
    told = json.loads(worker.output())
    assert (told["success"], told["error"]["field"]) == (False, "HANDLER_PACKAGES")


def test_a_wrong_setting_is_told_as_json_without_its_value(
    refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_WEB_PORT", "secret")

    error = refused("web")

    assert (error["code"], error["field"]) == ("invalid_setting", "POSTROOM_WEB_PORT")
    assert "secret" not in json.dumps(error)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("[1]", "not_json"),
        ("{", "not_json"),
        ('{"a": NaN}', "not_json"),
        ("@/nowhere/to/be/found", "file_unreadable"),
    ],
)
def test_data_that_is_no_object_is_told_by_its_cause(
    refused: Refused, data: str, code: str
) -> None:
    error = refused("send", "EMAIL", "--data", data)

    assert (error["code"], error["field"]) == (code, "data")


@pytest.mark.parametrize(
    ("text", "meant"),
    [(None, None), ("high", "high"), ("1", 1), ("-1", -1), ("1.5", "1.5"), ("²", "²")],
)
def test_a_priority_is_a_word_or_a_number(text: str | None, meant: object) -> None:
    assert arguments.priority(text) == meant


def every_command() -> dict[str, Any]:
    """All commands by their words, those of a noun with verbs one by one."""
    nouns = typer.main.get_command(build_app()).commands
    found = {}
    for noun, command in nouns.items():
        verbs = getattr(command, "commands", None)
        if verbs:
            found |= {f"{noun} {verb}": each for verb, each in verbs.items()}
        else:
            found[noun] = command
    return found


def test_every_command_takes_json() -> None:
    without = [
        words
        for words, command in every_command().items()
        if not any("--json" in parameter.opts for parameter in command.params)
    ]

    assert without == []


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (workers.pause, "queues pause"),
        (workers.resume, "queues resume"),
        (workers.clear, "queues clear"),
        (workers.cancel, "jobs cancel"),
        (workers.stop, "jobs stop"),
        (workers.promote, "jobs promote"),
        (workers.retry_job, "jobs retry"),
        (operations.delete, "jobs delete"),
        (cleanup.clean, "jobs clean"),
    ],
)
def test_each_action_asks_who_and_why_in_python_and_on_the_command_line(
    action: Callable[..., object], words: str
) -> None:
    assert signature(action).parameters["by"].default is Parameter.empty
    options = {name for each in every_command()[words].params for name in each.opts}
    assert {"--reason", "--actor", "--json"} <= options
