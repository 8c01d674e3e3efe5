"""Fifty planted secrets, real processes that let them slip, and none in what is written."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from messages.masking import MASK
from postroom.address import free_port
from postroom.programs import find_server
from tests.canaries import NAMES, PAYLOAD, SLIPS, URLS, Canaries, core, leaks, new_canaries
from tests.many_commands import MARK
from tests.processes import StartProcess, ask_until_true
from workers import dead_letters, keys
from workers.secret_settings import secret_values

ROOT = Path(__file__).parents[1]
WORKER = ("rq", "worker", "-w", "workers.MessageWorker", "-c", "worker_settings")


@pytest.fixture
def canaries() -> Canaries:
    return new_canaries()


@dataclass(frozen=True)
class Guarded:
    """A Redis that asks for a password, and an environment full of secrets."""

    port: int
    password: str
    environment: Mapping[str, str]

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"


@pytest.fixture
def guarded(canaries: Canaries, start_process: StartProcess, tmp_path: Path) -> Iterator[Guarded]:
    port, password = free_port(), canaries["redis password"]
    config = tmp_path / "redis.conf"
    config.write_text(f'port {port}\nbind 127.0.0.1\nsave ""\nrequirepass {password}\n')
    server = start_process(find_server(), config, cwd=tmp_path)
    with Redis(port=port, password=password) as client:
        ask_until_true(lambda: answers(client))
    other = tmp_path / "vault.json"
    other.write_text(json.dumps({"api_key": canaries["file api_key"], "user": "ada"}))
    slips = [text.format(canaries[name], canaries[name]) for name, text in SLIPS.items()]
    environment = {
        **{name: canaries[name] for name in NAMES},
        **{name: text.format(canaries[name]) for name, text in URLS.items()},
        "SLIPS": json.dumps(slips),
        "REDIS_URL": f"redis://:{password}@127.0.0.1:{port}/0",
        "VAULT_CREDENTIALS_FILE": str(other),
        "LOG_FILE": str(tmp_path / "rq.log"),
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": "9",
        "SMTP_USER": "ada",
        "DATABASE_URL": f"sqlite:///{tmp_path}/test.sqlite3",
        "MAIL_DIR": str(tmp_path / "mail"),
        "MESSAGE_PACKAGES": "messages,tests.secret_app",
        "HANDLER_PACKAGES": "handlers,tests.secret_app",
    }
    yield Guarded(port, password, environment)
    server.end()


def answers(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except RedisError:
        return False


Tell = Callable[..., str]


@pytest.fixture
def tell(guarded: Guarded, start_warm: StartProcess) -> Tell:
    """Run a command with all those secrets; returns what it wrote to both outputs."""

    def _tell(*words: str, **changes: str) -> str:
        command = start_warm(*words, cwd=ROOT, env={**guarded.environment, **changes})
        command.popen.wait(60)
        return command.output()

    return _tell


def leak_data(canaries: Canaries, how: str) -> str:
    return json.dumps(
        {
            "how": how,
            "pin": canaries["pin"],
            "code": int(canaries["code"]),
            "card": {"holder": "Ada", "number": canaries["number"]},
            "others": [{"holder": "Grace", "number": canaries["second number"]}],
            "notes": {"private": canaries["note"]},
        }
    )


def failed(client: Redis, *ids: str) -> bool:
    return all(client.hget(keys.job(job_id), "status") == b"failed" for job_id in ids)


@pytest.mark.slow(reason="a worker runs five messages, and some twenty commands tell of them")
def test_fifty_planted_secrets_are_in_nothing_that_is_written(
    canaries: Canaries, guarded: Guarded, tell: Tell, start_process: StartProcess, tmp_path: Path
) -> None:
    assert len(canaries) >= 50
    ids = {}
    for how in ("permanent", "careless"):
        (tmp_path / "data.json").write_text(leak_data(canaries, how))
        sent = tell("postroom", "send", "LEAK", "--data", f"@{tmp_path}/data.json", "--json")
        ids[how] = json.loads(sent)["jobId"]
    for kind, data in OTHERS.items():
        sent = tell(
            *("postroom", "send", kind, "--data", json.dumps(data)), "--attempts", "1", "--json"
        )
        ids[kind] = json.loads(sent)["jobId"]

    worker = start_process(*WORKER, "--burst", cwd=ROOT, env=dict(guarded.environment))
    worker.popen.wait(60)
    with Redis.from_url(guarded.url) as client:
        assert failed(client, ids["permanent"], ids["careless"], ids["EMAIL"])
        letter = dead_letters.find(ids["careless"], connection=client)
        assert letter is not None
        assert leaks(letter.error + letter.traceback + json.dumps(letter.attempts), canaries) == []
        assert core(canaries["pin"]) in json.dumps(letter.envelope), "it could not be replayed"

    log = (tmp_path / "rq.log").read_text()
    assert log.count('"event": "careless"') == 2
    assert MASK in log
    told = {
        "worker": worker.output(),
        "log file": log,
        **tell_each(tell, commands(ids, canaries, tmp_path)),
        "rq info": tell("rq", "info", "-c", "worker_settings"),
    }
    assert {name: found for name, text in told.items() if (found := leaks(text, canaries))} == {}
    assert all(told.values())
    assert MASK in told[f"job {ids['careless']}"]
    assert MASK in told[f"logs --job {ids['careless']}"]
    assert MASK in told[f"dead-letters show {ids['careless']}"]
    assert "dead_letter.edit" in told["audit"]
    exported = (tmp_path / "letters.jsonl").read_text()
    assert core(canaries["pin"]) in exported, "it could not be imported again"
    assert set(leaks(exported, canaries)) <= set(PAYLOAD)


OTHERS = {
    "EMAIL": {"to": "a@b.c", "subject": "s", "template": "welcome", "templateData": {"name": "A"}},
    "NOTE_ENRICHMENT": {"noteId": "note-1"},
    "NOTIFICATION": {"recipientId": "ada", "title": "t", "message": "m", "type": "info"},
}
"""Messages of ours whose handlers use a password; none of the services can be reached."""


Words = Sequence[str]


def commands(ids: Mapping[str, str], canaries: Canaries, folder: Path) -> list[Words]:
    letters, careless, file = "dead-letters", ids["careless"], str(folder / "letters.jsonl")
    acting: list[Words] = [
        (letters, "export", file),
        (letters, "import", file),
        (letters, "edit", careless, "--data", json.dumps({"pin": canaries["new pin"]})),
        (letters, "edit", careless, "--data", json.dumps({"pin": [canaries["refused pin"]]})),
        (letters, "replay", careless, "--data", json.dumps({"pin": [canaries["refused pin"]]})),
        (letters, "replay", "--all", "--type", "LEAK", "--dry-run"),
        ("jobs", "retry", ids["permanent"], "--reason", "a test"),
    ]
    looking: list[Words] = [
        *[("job", job_id) for job_id in ids.values()],
        *[("logs", "--job", ids[how]) for how in ("permanent", "careless")],
        *[(letters, "show", job_id) for job_id in ids.values()],
        *[(letters, "list"), ("jobs",), ("queues", "list"), ("audit",), ("logs",)],
        *[("alerts", "list"), ("alerts", "rules"), ("alerts", "history"), ("alerts", "test")],
        *[("info",), ("info", "--only-failures"), ("health",), ("doctor",)],
    ]
    return [*acting, *looking, *((*words, "--json") for words in looking)]


def tell_each(tell: Tell, lines: Sequence[Words]) -> Mapping[str, str]:
    """What each command line writes."""
    _, *told = tell(sys.executable, "-m", "tests.many_commands", json.dumps(lines)).split(MARK)
    return dict(zip(map(" ".join, lines), told, strict=True))


@pytest.mark.drill
@pytest.mark.slow("the demo starts and ends for real, and sends a whole round")
def test_the_demo_and_its_logs_tell_none_of_them(
    canaries: Canaries, guarded: Guarded, start_process: StartProcess, tmp_path: Path
) -> None:
    environment = {**guarded.environment, "DATA_DIR": str(tmp_path / "data"), "LOG_LEVEL": "DEBUG"}
    demo = start_process(
        sys.executable, "-m", "postroom.demo", "demo", "--once", cwd=ROOT, env=environment
    )

    assert demo.popen.wait(100) == 0, demo.output()
    logs = {path.name: path.read_text() for path in (tmp_path / "data" / "logs").iterdir()}
    told = {"demo": demo.output(), "log file": (tmp_path / "rq.log").read_text(), **logs}
    assert "worker.log" in told
    assert {name: found for name, text in told.items() if (found := leaks(text, canaries))} == {}


@pytest.mark.parametrize("command", [(*WORKER, "default"), ("rq", "info", "-c", "worker_settings")])
@pytest.mark.parametrize("kind", ["wrong password", "refused port", "no url", "no password"])
def test_a_server_that_refuses_is_told_of_without_its_password(
    canaries: Canaries, guarded: Guarded, tell: Tell, command: tuple[str, ...], kind: str
) -> None:
    url = refusing(kind, canaries, guarded)

    told = tell(*command, REDIS_URL=url)

    assert told
    assert leaks(told, canaries) == []


@pytest.mark.parametrize("kind", ["wrong password", "refused port", "no url", "no password"])
@pytest.mark.parametrize("noun", ["info", "health", "doctor", "send"])
def test_our_commands_tell_of_it_without_the_password(
    canaries: Canaries, guarded: Guarded, tell: Tell, noun: str, kind: str
) -> None:
    words = ("send", "TEST", "--data", '{"testType": "echo"}') if noun == "send" else (noun,)

    told = tell("postroom", *words, REDIS_URL=refusing(kind, canaries, guarded))

    assert told
    assert leaks(told, canaries) == []


def refusing(kind: str, canaries: Canaries, guarded: Guarded) -> str:
    wrong = canaries["wrong password"]
    return {
        "wrong password": f"redis://:{wrong}@127.0.0.1:{guarded.port}/0",
        "refused port": f"redis://:{wrong}@127.0.0.1:9/0",
        "no url": f"redis//:{wrong}@127.0.0.1",
        "no password": f"redis://127.0.0.1:{guarded.port}/0",
    }[kind]


@pytest.mark.parametrize("variable", ["REDIS_CREDENTIALS_FILE", "REDIS_PASSWORD_FILE"])
def test_a_secret_of_a_file_is_not_told_either(
    canaries: Canaries, guarded: Guarded, tell: Tell, tmp_path: Path, variable: str
) -> None:
    secret = canaries["file password"]
    file = tmp_path / "secret"
    content = {"host": "127.0.0.1", "port": guarded.port, "password": secret}
    file.write_text(json.dumps(content) if "CREDENTIALS" in variable else secret)

    changes = {variable: str(file), "REDIS_URL": "", "REDIS_PORT": str(guarded.port)}
    told = tell(*WORKER, "default", **changes)

    assert "password" in told.lower()
    assert leaks(told, canaries) == []


def test_the_secrets_of_this_process_are_found_by_name_url_and_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("OTHER_TOKEN=from-dotenv\nPORT=8000\n")
    (tmp_path / "file").write_text('{"password": "from-a-file", "host": "example.com"}')
    monkeypatch.setenv("A_CREDENTIALS_FILE", str(tmp_path / "file"))
    monkeypatch.setenv("B_URL", "amqp://ada:p%40ssword@example.com")
    monkeypatch.setenv("C_PASSWORD_FILE", str(tmp_path / "absent"))
    monkeypatch.setenv("D_PASSWORD", "short")

    found = secret_values()

    assert {"from-dotenv", "from-a-file", "p%40ssword", "p@ssword"} <= found
    assert not {"8000", "example.com", "short", "ada", str(tmp_path / "file")} & found
