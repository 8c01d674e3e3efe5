import fcntl
import json
import signal
import sys
from pathlib import Path

import psutil
import pytest
from redis import Redis, RedisError

from postroom import embedded
from postroom.embedded import Server, redis_server
from postroom.errors import DataInUse, ServerUnavailable
from postroom.recorded import answering_url, server_pid, write_record
from tests.processes import Eventually, StartedProcess, StartProcess
from workers import keys

USER = """
import sys, time
from pathlib import Path
from postroom.embedded import Server, redis_server
with redis_server(Path(sys.argv[1])) as server:
    print(server.origin, server.url, flush=True)
    time.sleep(60)
"""


def _told(process: StartedProcess) -> tuple[str, str]:
    process.wait_for("redis://")
    origin, url = process.output().split()
    return origin, url


def _answers(url: str) -> bool:
    try:
        with Redis.from_url(url, socket_timeout=1) as client:
            return bool(client.ping())
    except RedisError:
        return False


def _is_gone(url: str) -> bool:
    return not _answers(url)


@pytest.fixture
def running(redis_server: Server) -> Server:
    """The server of this test process, by a name that hides nothing."""
    return redis_server


def test_a_killed_starter_takes_the_server_along_and_every_write_is_there_again(
    tmp_path: Path, start_process: StartProcess, eventually: Eventually
) -> None:
    starter = start_process(sys.executable, "-c", USER, tmp_path)
    _, url = _told(starter)
    with Redis.from_url(url) as client:
        client.rpush("list", *range(500))
    starter.end(signal.SIGKILL)
    eventually(lambda: _is_gone(url), within=5)

    with redis_server(tmp_path) as server, Redis.from_url(server.url) as client:
        assert client.llen("list") == 500


def test_the_server_lives_until_its_last_user_has_left(
    tmp_path: Path, start_process: StartProcess, eventually: Eventually
) -> None:
    first = start_process(sys.executable, "-c", USER, tmp_path)
    _, url = _told(first)
    second = start_process(sys.executable, "-c", USER, tmp_path)
    assert _told(second) == ("joined", url)
    first.end(signal.SIGKILL)
    third = start_process(sys.executable, "-c", USER, tmp_path)
    assert _told(third) == ("joined", url)
    second.end(signal.SIGKILL)
    assert _answers(url)

    third.end(signal.SIGKILL)

    eventually(lambda: _is_gone(url), within=5)


def test_starts_at_the_same_moment_share_one_server(
    tmp_path: Path, start_process: StartProcess
) -> None:
    users = [start_process(sys.executable, "-c", USER, tmp_path) for _ in range(3)]

    told = [_told(user) for user in users]

    assert sorted(origin for origin, _ in told) == ["joined", "joined", "started"]
    assert len({url for _, url in told}) == 1


def test_the_server_listens_on_this_machine_only_and_writes_a_log_of_changes(
    tmp_path: Path,
) -> None:
    with redis_server(tmp_path) as server, Redis.from_url(server.url) as client:
        told = client.config_get("bind", "appendonly", "dir")

    assert told == {"bind": "127.0.0.1", "appendonly": "yes", "dir": str(tmp_path / "redis")}


def test_other_commands_find_it_while_it_runs_and_no_longer(tmp_path: Path) -> None:
    record = tmp_path / "redis.json"

    with redis_server(tmp_path) as server:
        assert json.loads(record.read_text()) == {"url": server.url, "pid": server_pid(server.url)}
        assert answering_url(record) == server.url

    assert not record.exists()


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"url": 5, "pid": 5}', '{"pid": 1}'])
def test_a_damaged_record_is_not_believed(tmp_path: Path, content: str) -> None:
    record = tmp_path / "redis.json"
    record.write_text(content)

    assert answering_url(record) is None


def test_a_record_of_another_server_on_that_port_is_not_believed(
    tmp_path: Path, running: Server
) -> None:
    record = tmp_path / "redis.json"
    write_record(record, running.url, server_pid(running.url) + 1)

    assert answering_url(record) is None


def test_a_left_over_record_does_not_hinder_a_start(tmp_path: Path) -> None:
    write_record(tmp_path / "redis.json", "redis://127.0.0.1:1/0", 1)

    with redis_server(tmp_path) as server:
        assert server.origin == "started"


def test_a_server_whose_watchdog_was_killed_is_replaced_with_its_data(
    tmp_path: Path, start_process: StartProcess, eventually: Eventually
) -> None:
    starter = start_process(sys.executable, "-c", USER, tmp_path)
    _, url = _told(starter)
    with Redis.from_url(url) as client:
        client.set("key", "value")
    orphan = psutil.Process(server_pid(url))
    watchdog = orphan.parent()
    assert watchdog is not None
    watchdog.kill()
    starter.end(signal.SIGKILL)
    assert _answers(url)

    with redis_server(tmp_path) as server, Redis.from_url(server.url) as client:
        assert (server.origin, client.get("key")) == ("started", b"value")
    eventually(lambda: not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE)


def test_files_that_somebody_else_has_open_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_STOP_SECONDS", 0.3)
    (tmp_path / "redis").mkdir()
    with (tmp_path / "redis" / "running.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        with pytest.raises(DataInUse, match=r"open.*DATA_DIR"), redis_server(tmp_path):
            pass


def test_a_server_that_cannot_start_is_told_with_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(embedded.CONFIG, "appendfsync", "sometimes")

    words = r"does not start: .+ Read .*server\.log"
    with pytest.raises(ServerUnavailable, match=words), redis_server(tmp_path):
        pass


def test_a_given_server_is_used_as_it_is(tmp_path: Path, redis: Redis, running: Server) -> None:
    precious = keys.job("precious")
    redis.set(precious, "1")
    before = redis.info("server")["run_id"], redis.config_get("*")
    url = running.url

    with redis_server(tmp_path, url=url) as server:
        assert (server.origin, server.url) == ("given", url)

    assert redis.get(precious) == b"1"
    assert (redis.info("server")["run_id"], redis.config_get("*")) == before
    assert list(tmp_path.glob("redis*")) == []


@pytest.mark.parametrize("url", ["redis://user:secret@127.0.0.1:1/0", "http://:secret@127.0.0.1"])
def test_a_given_server_that_does_not_answer_is_an_error_without_its_password(
    tmp_path: Path, url: str
) -> None:
    with (
        pytest.raises(ServerUnavailable, match="does not answer") as caught,
        redis_server(tmp_path, url=url),
    ):
        pass

    assert caught.value.field == "REDIS_URL"
    assert "correct REDIS_URL" in caught.value.remedy
    assert "secret" not in str(caught.value)
    assert not Path(tmp_path / "redis").exists()
