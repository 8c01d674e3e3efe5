"""What the doctor finds in a user's rights: with real users of a real server."""

import re
from pathlib import Path

from redis import Redis
from rq.defaults import RQ_KEY_PREFIX

from messages import TestData, TestMessage, TestPayload
from monitoring.doctor import Finding, examine
from monitoring.doctor.permissions import needed_commands
from tests.monitoring.conftest import log_in, url_of, utc_now
from tests.processes import StartProcess
from workers import enqueue, keys, publish
from workers.settings import Settings

ROOT = Path(__file__).parents[3]


def examined(redis: Redis) -> list[Finding]:
    return examine(connection=redis, settings=Settings(), now=utc_now())


def found(redis: Redis, code: str) -> Finding:
    """The only thing that is wrong."""
    (finding,) = examined(redis)
    assert finding.code == code, finding
    return finding


def test_commands_that_the_user_may_not_run_are_named(own_server: Redis) -> None:
    with log_in(own_server, "half", allowed=("+@all", "-lmove", "-evalsha")) as half:
        finding = found(half, "not_permitted")

    assert finding.severity == "critical"
    assert "The user half may not run EVALSHA and LMOVE" in finding.what
    assert "ACL SETUSER half +evalsha +lmove" in finding.remedy


def test_what_the_remedy_says_gives_the_user_all_it_needs(own_server: Redis) -> None:
    allowed = ("+@all", "-@write", "-@scripting", "-@pubsub", "-@transaction", "+multi")
    with log_in(own_server, "reader", allowed=allowed) as reader:
        finding = found(reader, "not_permitted")
        _, _, rights = finding.remedy.strip("`").partition("ACL SETUSER reader ")
        own_server.execute_command("ACL", "SETUSER", "reader", *rights.split())

        assert len(rights.split()) > 20
        assert examined(reader) == []


def test_keys_that_the_user_may_not_touch_are_named(own_server: Redis) -> None:
    ours = f"{keys.done().removesuffix('done')}*"
    with log_in(own_server, "half", allowed=("+@all",), key=ours) as half:
        finding = examined(half)[0]

    assert finding.code == "not_permitted"
    assert f" on {RQ_KEY_PREFIX}:*" in finding.what
    assert f"ACL SETUSER half ~{RQ_KEY_PREFIX}:*" in finding.remedy


def test_channels_that_the_user_may_not_use_are_named(own_server: Redis) -> None:
    with log_in(own_server, "deaf", allowed=("+@all",)) as deaf:
        own_server.execute_command("ACL", "SETUSER", "deaf", "resetchannels")
        finding = found(deaf, "not_permitted")

    assert f"SUBSCRIBE on {RQ_KEY_PREFIX}:pubsub:*" in finding.what
    assert f"&{RQ_KEY_PREFIX}:pubsub:*" in finding.remedy


def test_a_user_without_transactions_is_told_so(own_server: Redis) -> None:
    with log_in(own_server, "single", allowed=("+@all", "-multi")) as single:
        assert "may not run MULTI" in found(single, "not_permitted").what


def test_a_user_who_may_read_nothing_is_told_so(own_server: Redis) -> None:
    with log_in(own_server, "blind", allowed=("+ping",)) as blind:
        codes = [finding.code for finding in examined(blind)]

    assert codes == ["not_permitted", "queues_unreadable", "settings_unreadable"]


def test_an_examination_changes_nothing(own_server: Redis) -> None:
    enqueue(TestMessage(data=TestData(test_type="echo")), connection=own_server)
    before = {key: own_server.dump(key) for key in own_server.scan_iter()}
    dirty = own_server.info("persistence")["rdb_changes_since_last_save"]

    examined(own_server)

    assert {key: own_server.dump(key) for key in own_server.scan_iter()} == before
    assert own_server.info("persistence")["rdb_changes_since_last_save"] == dirty


GREETINGS = {"CLIENT SETINFO", "MULTI", "EXEC", "UNWATCH", "UNSUBSCRIBE"}
OURS = {"CONFIG RESETSTAT", "SCRIPT EXISTS"}


def test_every_command_that_a_worker_sends_is_among_those_that_are_tried(
    own_server: Redis, start_warm: StartProcess, tmp_path: Path
) -> None:
    own_server.config_resetstat()
    for kind in ("echo", "permanent", "plain", "progress"):
        enqueue(TestMessage(data=TestData(test_type=kind)), connection=own_server, unique_key=kind)
    worker = start_warm(
        *("rq", "worker", "-w", "workers.MessageWorker", "-c", "worker_settings", "default"),
        *("--max-idle-time", "1"),  # so that it waits for more, too
        cwd=ROOT,
        env=variables(own_server, tmp_path),
    )
    assert worker.popen.wait(20) == 0, worker.output()

    assert sent_to(own_server) - tried() - GREETINGS - OURS == set()
    assert {"CLIENT TRACKING", "EVALSHA", "HELLO", "HSET", "ZADD"} <= sent_to(own_server)


def test_every_command_that_a_consumer_of_streams_sends_is_among_those_that_are_tried(
    own_server: Redis, start_warm: StartProcess, tmp_path: Path
) -> None:
    own_server.config_resetstat()
    for kind in ("echo", "permanent", "transient", "sleep"):
        payload = TestPayload(new_value=0.3)  # long enough for its worker to tell of itself
        message = TestMessage(data=TestData(test_type=kind, payload=payload))
        publish(message, connection=own_server, stream=f"own:{kind}")
    worker = start_warm(
        *("postroom", "streams", "worker", "--burst", "--streams", "own:*"),
        cwd=ROOT,
        env={**variables(own_server, tmp_path), "HEARTBEAT_SECONDS": "0.05"},
    )
    assert worker.popen.wait(20) == 0, worker.output()

    assert sent_to(own_server) - tried() - GREETINGS - OURS == set()
    assert {"PEXPIRE", "SCAN", "XREADGROUP", "XACK", "XGROUP CREATE"} <= sent_to(own_server)


def variables(server: Redis, folder: Path) -> dict[str, str]:
    (folder / "trace").touch()
    return {
        "REDIS_URL": url_of(server),
        "HANDLER_PACKAGES": "tests.workers.app",
        "TRACE": str(folder / "trace"),
    }


def sent_to(server: Redis) -> set[str]:
    stats = server.info("commandstats")
    return {name.removeprefix("cmdstat_").replace("|", " ").upper() for name in stats}


def test_every_command_of_our_scripts_is_among_those_that_are_tried() -> None:
    texts = [path.read_text() for path in (ROOT / "workers").rglob("*.lua")]
    called = {name for text in texts for name in re.findall(r"call\('([A-Z]+)'", text)}
    called -= {"XINFO", "XGROUP"}
    called |= {
        " ".join(names)
        for text in texts
        for names in re.findall(r"call\('(XINFO|XGROUP)', '([A-Z]+)'", text)
    }

    assert called - tried() == set()
    assert {"LPOP", "ZREM"} <= called


def tried() -> set[str]:
    commands = needed_commands()
    return {command[0] for command in commands} | {" ".join(command[:2]) for command in commands}
