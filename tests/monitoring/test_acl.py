"""The users of deploy/redis/users.acl may do what their programs do, and no more."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from redis import Redis
from redis.exceptions import NoPermissionError
from rq.command import PUBSUB_CHANNEL_TEMPLATE

from messages import message_types
from monitoring.alerts import Alerter, AlertSettings
from monitoring.duties.warden import Warden
from monitoring.web.app import closed_routers, create_app
from monitoring.web.auth import declared
from monitoring.web.identity import Role
from monitoring.web.settings import WebSettings
from tests.docs.documents import ROOT
from tests.monitoring.api.tokens import BASE, SECRET, token_of
from tests.monitoring.conftest import url_of
from tests.processes import StartProcess
from tests.workers.conftest import message
from tests.workers.letters import bury_message, email
from tests.workers.takers import Taker
from workers import connection, enqueue, keys, publish, stream_keys
from workers.settings import Settings, load_settings
from workers.streams.naming import keys_of

FILE = ROOT / "deploy" / "redis" / "users.acl"
FORBIDDEN = (
    *("FLUSHALL", "CONFIG SET maxmemory 1", "ACL LIST", "REPLICAOF NO ONE", "CLIENT KILL ID 1"),
    *("FUNCTION FLUSH", "FUNCTION LIST", "SCRIPT FLUSH", "SCRIPT KILL", "SCRIPT DEBUG SYNC"),
    *("KEYS *", "RANDOMKEY"),
    "PFMERGE theirs",  # Redis 7.0 lets it write any key to whom it may run
)
USERS = re.findall(r"^user (\S+) (.*)$", FILE.read_text(), re.MULTILINE)
PATTERNS = Settings.model_fields["stream_patterns"].default
STREAMS = {pattern.replace("*", "guild:7:message_scan") for pattern in PATTERNS} | {
    each.stream
    for each in message_types().values()
    if each.stream and each.__module__.startswith("messages.")  # the tests have types of their own
}


@pytest.fixture
def with_users(own_server: Redis) -> Iterator[Redis]:
    """A server that has them."""
    for name, rules in USERS:
        if name != "default":  # the tests' own
            words = re.sub(r">\S+", "nopass", rules).split()
            own_server.execute_command("ACL", "SETUSER", name, "reset", *words)
    return own_server


def as_user(server: Redis, user: str) -> Redis:
    return connection.connect(Settings(redis_url=url_of(server, user)))


def web_of(user: Redis, reader: Redis | None = None) -> TestClient:
    """Who may do all, at a web process with these users of Redis."""
    settings = WebSettings(postroom_secret=SECRET)
    app = create_app(connection=user, reader=reader, settings=settings)
    client = TestClient(app, base_url=BASE)
    client.headers["Authorization"] = f"Bearer {token_of(Role.SUPER_ADMIN, settings)}"
    return client


@pytest.fixture
def filled(with_users: Redis) -> dict[str, str]:
    """Something of everything, put there by those who may; what path parameters name."""
    producer = as_user(with_users, "producer")
    job = enqueue(message(), connection=producer).id
    for stream in STREAMS:
        publish(message(), stream=stream, connection=producer)
    letter = bury_message(as_user(with_users, "worker"), email(1))
    names = {"queue": "default", "name": "raibid:jobs", "guild_id": "7"}
    return {**names, "job_id": job, "letter": letter}


@pytest.mark.parametrize("user", ["monitor", "operator"])
def test_looking_needs_the_right_to_read_and_to_remember_for_itself(
    with_users: Redis, filled: dict[str, str], user: str
) -> None:
    client = web_of(as_user(with_users, user))
    before = {key: with_users.dump(key) for key in with_users.scan_iter()}
    answers = {path: client.get(path) for path in _paths(filled)}

    assert {path: each.text for path, each in answers.items() if each.status_code >= 500} == {}
    changed = {key for key in with_users.scan_iter() if with_users.dump(key) != before.get(key)}
    assert {key for key in changed if not key.startswith(b"postroom:watch:")} == set()


def test_who_looks_cannot_act(with_users: Redis, filled: dict[str, str]) -> None:
    monitor = as_user(with_users, "monitor")
    client = web_of(monitor)

    assert client.patch("/admin/jobs/queue/default/pause").status_code == 503
    assert not with_users.exists(keys.pauses())
    with pytest.raises(NoPermissionError):
        monitor.flushall()


def test_alerting_needs_no_more_than_that(with_users: Redis, filled: dict[str, str]) -> None:
    alerter = Alerter(
        connection=as_user(with_users, "monitor"),
        settings=AlertSettings(),
        engine=load_settings(),
    )

    assert alerter.tick()


@pytest.fixture
def work(with_users: Redis, start_process: StartProcess, tmp_path: Path) -> Callable[..., None]:
    """Let a worker, as its user, do all that there is, and end."""

    def _work(*words: str) -> None:
        (tmp_path / "trace").touch()
        worker = start_process(
            *words,
            "--burst",
            cwd=ROOT,
            env={
                "REDIS_URL": url_of(with_users, "worker"),
                "HANDLER_PACKAGES": "tests.workers.app",
                "TRACE": str(tmp_path / "trace"),
            },
        )
        assert worker.popen.wait(30) == 0, worker.output()

    return _work


def test_a_worker_works_as_its_user(
    with_users: Redis, filled: dict[str, str], work: Callable[..., None]
) -> None:
    work("rq", "worker", "-w", "workers.MessageWorker", "-c", "worker_settings", "default")

    assert with_users.hget(keys.job(filled["job_id"]), "status") == b"finished"


def test_a_worker_serves_all_streams_of_the_default_settings(
    with_users: Redis, filled: dict[str, str], work: Callable[..., None]
) -> None:
    work("postroom", "streams", "worker")

    group = Settings.model_fields["stream_group"].default
    told = {stream: with_users.xinfo_groups(stream) for stream in STREAMS}
    assert {s: [(g["name"], g["pending"], g["lag"]) for g in each] for s, each in told.items()} == {
        stream: [(group.encode(), 0, 0)] for stream in STREAMS
    }


@pytest.mark.parametrize("user", ["producer", "worker", "operator"])
@pytest.mark.parametrize("stream", sorted(STREAMS))
def test_streams_of_the_settings_and_of_message_types_are_open(
    with_users: Redis, user: str, stream: str
) -> None:
    client = as_user(with_users, user)

    for key in keys_of(stream):
        assert client.xadd(key, {"job_id": "1"})


def test_an_operator_acts(with_users: Redis, filled: dict[str, str]) -> None:
    client = web_of(as_user(with_users, "operator"), reader=as_user(with_users, "monitor"))
    letter = filled["letter"]

    assert client.patch("/admin/jobs/queue/default/pause").status_code == 200
    assert (
        client.post(f"/api/dead-letters/{letter}/replay", json={"reason": "x"}).status_code == 200
    )
    assert client.delete("/admin/jobs/queue/default/clear").status_code == 200


@pytest.mark.parametrize("options", [{}, {"delay": 60_000}], ids=["now", "later"])
def test_what_an_operator_may_not_publish_leaves_all_pages_as_they_were(
    with_users: Redis, options: dict[str, object]
) -> None:
    client = web_of(as_user(with_users, "operator"))
    body = {"messageType": "MESSAGE_SCAN", "data": {"guildId": "7", "channelId": "7-1"}}

    refused = client.post("/api/streams", json=body | {"options": {"stream": "theirs"} | options})

    assert refused.status_code == 503
    assert not with_users.exists(stream_keys.streams(), stream_keys.delayed())
    for path in ("/api/streams", "/api/workers", "/workers"):
        assert client.get(path).status_code == 200, path


def test_an_operator_is_told_why(with_users: Redis, filled: dict[str, str]) -> None:
    client = web_of(as_user(with_users, "operator"))
    held = enqueue(message(), unique_key="once", connection=with_users).id

    def kinds(name: str) -> list[str]:
        return [each["kind"] for each in client.get(f"/api/why/{name}").json()["explanations"]]

    asked = {name: kinds(name) for name in ("default", held, "once", "raibid:jobs")}

    assert asked == {
        "default": ["queue"],
        held: ["job"],
        "once": ["unique_key"],
        "raibid:jobs": ["stream"],
    }


def test_an_operator_is_told_of_a_known_stream_that_it_may_not_be_read(
    with_users: Redis,
) -> None:
    client = web_of(as_user(with_users, "operator"))
    unknown = client.get("/api/why/theirs")
    publish(message(), stream="theirs", connection=with_users)
    known = client.get("/api/why/theirs").json()["explanations"]

    assert unknown.status_code == 404
    assert [each["kind"] for each in known] == ["redis"]
    assert "no permissions" in known[0]["explanation"]


def test_an_operator_follows_the_policy_for_stuck_jobs(with_users: Redis) -> None:
    job = enqueue(message(), queue="email", timeout=86_400, connection=with_users)
    taker = Taker(with_users, "email")
    (lease,) = taker.lease()
    taker.leases.show(lease, started=time.time() - 2_000, ttl=90)
    with_users.hset(taker.worker.key, "worker_class", "ours")
    ears = with_users.pubsub()
    ears.subscribe(PUBSUB_CHANNEL_TEMPLATE % taker.worker.name)
    ears.get_message(timeout=1)
    warden = Warden(
        Settings(stuck_policy="requeue"),
        connection=as_user(with_users, "operator"),
        reading=as_user(with_users, "monitor"),
    )

    assert warden.look() == {job.id: "done"}
    ears.close()


@pytest.mark.parametrize("user", [name for name, _ in USERS if name != "default"])
@pytest.mark.parametrize("command", FORBIDDEN)
def test_nobody_empties_stops_or_sets_up_the_server(
    with_users: Redis, user: str, command: str
) -> None:
    with pytest.raises(NoPermissionError):
        as_user(with_users, user).execute_command(*command.split())


def _paths(filled: dict[str, str]) -> Iterator[str]:
    for route in declared(closed_routers()):
        if "GET" not in route.methods or route.path.endswith("/live"):
            continue
        path = route.path
        names = filled | ({"job_id": filled["letter"]} if "dead-letters" in path else {})
        for name, value in (names | {"fingerprint": "0" * 12, "channel": "ops"}).items():
            path = path.replace(f"{{{name}}}", value)
        yield path
