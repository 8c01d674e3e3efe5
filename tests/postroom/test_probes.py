import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from handlers.parts.settings import handler_settings
from messages import PostroomError
from postroom.address import free_port
from postroom.probes import probes
from tests.handlers.servers import MailServer, TextService


@pytest.fixture(autouse=True)
def _fresh_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)  # where the default database file would be
    handler_settings.cache_clear()
    yield
    handler_settings.cache_clear()


def wrong(monkeypatch: pytest.MonkeyPatch, **variables: object) -> dict[str, str]:
    """What each probe that fails says, with these variables set."""
    for name, value in variables.items():
        monkeypatch.setenv(name, str(value))
    said = {probe.name: probe.check() for probe in probes()}
    return {name: sentence for name, sentence in said.items() if sentence}


def test_only_what_the_settings_name_is_tried() -> None:
    assert [probe.name for probe in probes()] == ["database"]


def test_a_database_file_that_no_worker_has_made_yet_is_well_and_is_not_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert wrong(monkeypatch) == {}
    assert list(tmp_path.iterdir()) == []


def test_a_database_file_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "well.sqlite3") as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    (tmp_path / "ill.sqlite3").write_bytes(b"this is no database, and long enough to be looked at")

    assert wrong(monkeypatch, DATABASE_URL="sqlite:///well.sqlite3") == {}
    handler_settings.cache_clear()
    said = wrong(monkeypatch, DATABASE_URL="sqlite:///ill.sqlite3")
    assert "file is not a database" in said["database"]


def test_a_postgresql_server_that_is_down_is_told_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = f"postgresql://user:hunter2@127.0.0.1:{free_port()}/postroom"

    said = wrong(monkeypatch, DATABASE_URL=url)["database"]

    assert "refused" in said
    assert "hunter2" not in said


@pytest.mark.parametrize("url", ["nonsense hunter2", "mysql+nosuch://user:hunter2@127.0.0.1/x"])
def test_a_database_url_that_cannot_be_used_is_told_without_its_password(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    said = wrong(monkeypatch, DATABASE_URL=url)["database"]

    assert "DATABASE_URL" in said
    assert "hunter2" not in said


@pytest.mark.filterwarnings("ignore:Requiring AUTH:UserWarning")
def test_a_mail_server_is_greeted_and_logged_in_to(monkeypatch: pytest.MonkeyPatch) -> None:
    with MailServer(password="right") as server:
        place = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": server.port, "SMTP_USER": "postroom"}
        assert wrong(monkeypatch, **place, SMTP_PASSWORD="right") == {}
        handler_settings.cache_clear()
        said = wrong(monkeypatch, **place, SMTP_PASSWORD="wrong")

    assert "127.0.0.1 is not available" in said["mail server"]
    assert server.mails == []


def test_a_mail_server_that_is_down_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    said = wrong(monkeypatch, SMTP_HOST="127.0.0.1", SMTP_PORT=free_port())

    assert "refused" in said["mail server"]


def test_a_mail_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": silent.getsockname()[1]}
        said = wrong(monkeypatch, **place, SMTP_TIMEOUT="0.2")

    assert "timed out" in said["mail server"]


def test_a_text_service_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    with TextService() as service:
        assert wrong(monkeypatch, ROBO_BASE_URL=service.url) == {}
    handler_settings.cache_clear()

    said = wrong(monkeypatch, ROBO_BASE_URL=service.url)

    assert f"{service.origin} cannot be reached" in said["text service"]


def test_a_text_service_url_that_cannot_be_used_is_told_without_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = wrong(monkeypatch, ROBO_BASE_URL="http://user:hunter2@host:port/v1")

    assert said["text service"] == "ROBO_BASE_URL is not a URL."


def test_a_setting_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PostroomError, match="SMTP_PORT"):
        wrong(monkeypatch, SMTP_PORT="70000")
