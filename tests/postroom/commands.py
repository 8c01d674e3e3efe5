"""The command line in this process, and what it answers."""

import json
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from handlers.parts.settings import handler_settings
from postroom.cli import main
from workers import connection, settings


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


class Postroom:
    """Reads the settings anew each time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *arguments: str) -> Answer:
        forget_settings()
        self._capsys.readouterr()
        self._monkeypatch.setattr(sys, "argv", ["postroom", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        written = self._capsys.readouterr()
        return Answer(int(ended.value.code or 0), written.out, written.err)

    def told(self, *arguments: str, code: int = 0) -> Any:
        """What is written, with `--json` as values, where it ends with that code."""
        found = self(*arguments)
        assert found.code == code, found
        return found.json if "--json" in arguments else found.out + found.err


def forget_settings() -> None:
    settings.load_settings.cache_clear()
    handler_settings.cache_clear()
    connection.connection_for.cache_clear()
