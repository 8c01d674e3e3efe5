import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from postroom import cli
from postroom.address import free_port
from postroom.cli import build_app, main
from tests.processes import StartProcess, ask_until_true


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def _wait_for_page(url: str) -> None:
    ask_until_true(lambda: _get(url)[0])


@contextmanager
def _taken_port() -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        yield other.getsockname()[1]


@pytest.mark.usefixtures("redis")
def test_it_serves_until_it_is_told_to_end(start_process: StartProcess) -> None:
    port = free_port()
    setting = {"POSTROOM_WEB_PORT": str(port), "POSTROOM_DEMO": "1"}
    process = start_process("postroom", "web", env=setting)
    page = f"http://127.0.0.1:{port}/readyz"
    _wait_for_page(page)

    assert _get(page)[0] == 200
    assert process.end() == 0, process.output()


Refused = Callable[..., str]


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refused:
    """What the command line says when it refuses its arguments with exit code 2."""

    def call(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["postroom", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        return capsys.readouterr().err

    return call


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch) -> None:
    """No secret, and a login that works once."""
    monkeypatch.setenv("POSTROOM_DEMO", "1")


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7"])
def test_a_host_that_others_can_reach_is_refused(host: str, refused: Refused) -> None:
    told = refused("web", "--host", host)

    assert f"{host} can be reached by others" in told
    assert "Use 127.0.0.1" in told


def test_without_a_secret_it_does_not_start(refused: Refused) -> None:
    told = refused("web")

    assert "There is no secret, so nobody could log in." in told
    assert "Set POSTROOM_SECRET" in told


@pytest.mark.usefixtures("demo")
def test_a_port_that_is_taken_is_refused(refused: Refused) -> None:
    with _taken_port() as port:
        told = refused("web", "--port", str(port))

    assert f"Port {port} of 127.0.0.1 is taken" in told
    assert "--port" in told


def test_a_setting_that_cannot_be_used_is_named_without_its_value(
    refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_WEB_PORT", "secret")

    told = refused("web")

    assert "The setting POSTROOM_WEB_PORT is wrong" in told
    assert "secret" not in told


def test_a_command_loads_its_own_module_only() -> None:
    script = (
        "import sys; from postroom.cli import build_app; build_app(['web']); print(*sys.modules)"
    )
    loaded = subprocess.check_output([sys.executable, "-c", script], text=True).split()

    assert "postroom.cli.web" in loaded
    assert "postroom.cli.worker" not in loaded


def test_the_help_of_all_commands_loads_no_web_server_and_no_database() -> None:
    script = "import sys; from postroom.cli import build_app; build_app(); print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", script], text=True).split()

    assert "postroom.cli.web" in loaded
    heavy = {"fastapi", "flask", "uvicorn", "sqlalchemy", "jinja2", "openai", "apprise"}
    heavy |= {"concurrent_log_handler", "PIL", "prometheus_client", "fsspec"}
    assert heavy & set(loaded) == set()


def test_every_file_of_the_package_is_a_command_with_a_line_of_help() -> None:
    nouns = {path.stem.replace("_", "-") for path in Path(cli.__file__).parent.glob("[a-z]*.py")}
    app = build_app()
    commands = {command.name: command.callback for command in app.registered_commands}
    groups = {group.name for group in app.registered_groups}

    assert nouns == commands.keys() | groups
    assert all(callback and callback.__doc__ for callback in commands.values())
