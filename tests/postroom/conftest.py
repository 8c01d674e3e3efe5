"""What the tests of the command line share."""

from collections.abc import Iterator

import pytest

from tests.postroom.commands import Postroom, forget_settings


@pytest.fixture
def command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Postroom]:
    yield Postroom(monkeypatch, capsys)
    forget_settings()
