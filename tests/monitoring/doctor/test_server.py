"""What the doctor finds in a server's set-up: on a real server, each time."""

import re

import pytest
from redis import Redis

from monitoring.doctor import Finding, Probe, examine
from postroom.address import free_port
from tests.monitoring.conftest import log_in, seconds_of, silent_server, url_of, utc_now
from tests.monitoring.otherwise import answering_otherwise
from workers import keys
from workers.connection import connect
from workers.settings import Settings

TIMEOUT = 0.4


def examined(redis: Redis, *probes: Probe) -> list[Finding]:
    return examine(connection=redis, settings=Settings(), now=utc_now(), probes=probes)


def found(redis: Redis, code: str) -> Finding:
    """The only thing that is wrong."""
    (finding,) = examined(redis)
    assert finding.code == code, finding
    return finding


def test_a_server_as_we_ship_it_leaves_nothing_to_report(own_server: Redis) -> None:
    assert examined(own_server) == []


def test_a_server_that_cannot_be_reached_is_critical() -> None:
    with connect(Settings(redis_url=f"redis://127.0.0.1:{free_port()}/0")) as nowhere:
        finding = found(nowhere, "redis_unreachable")

    assert finding.severity == "critical"
    assert "refused" in finding.what
    assert "REDIS_URL" in finding.remedy


def test_a_server_that_says_nothing_is_waited_for_no_longer_than_the_timeout() -> None:
    with (
        silent_server() as url,
        connect(Settings(redis_url=url, redis_timeout=TIMEOUT)) as silent,
    ):
        seconds = seconds_of(lambda: found(silent, "redis_unreachable"))

    assert seconds < TIMEOUT * 1.75


def test_an_old_server_is_critical(own_server: Redis) -> None:
    version = own_server.info("server")["redis_version"]
    old = f"6.0{version[3:]}"
    said, instead = f"redis_version:{version}", f"redis_version:{old}"
    with (
        answering_otherwise(url_of(own_server), said, instead) as url,
        connect(Settings(redis_url=url)) as through,
    ):
        finding = found(through, "redis_too_old")

    assert finding.severity == "critical"
    assert old in finding.what
    assert "6.2" in finding.remedy


def test_a_server_that_writes_nothing_to_disk_is_critical(own_server: Redis) -> None:
    own_server.config_set("appendonly", "no")
    own_server.config_set("save", "")

    finding = found(own_server, "no_persistence")

    assert finding.severity == "critical"
    assert "CONFIG SET appendonly yes" in finding.remedy


def test_a_server_with_snapshots_only_is_told_what_a_crash_would_lose(own_server: Redis) -> None:
    own_server.config_set("appendonly", "no")
    own_server.config_set("save", "3600 100000")
    own_server.save()
    own_server.mset({"a": 1, "b": 2, "c": 3})

    finding = found(own_server, "snapshots_only")

    assert finding.severity == "warning"
    assert "3 changes" in finding.what


def test_a_policy_that_removes_keys_is_critical_where_memory_has_a_limit(own_server: Redis) -> None:
    own_server.config_set("maxmemory", "1gb")
    own_server.config_set("maxmemory-policy", "allkeys-lru")

    finding = found(own_server, "eviction_policy")

    assert finding.severity == "critical"
    assert "allkeys-lru" in finding.what
    assert "1.1 GB" in finding.what
    assert "noeviction" in finding.remedy


def test_a_policy_that_removes_keys_is_a_warning_while_memory_has_no_limit(
    own_server: Redis,
) -> None:
    own_server.config_set("maxmemory-policy", "volatile-ttl")

    assert found(own_server, "eviction_policy").severity == "warning"


@pytest.mark.parametrize(("share", "severity"), [(0.85, "warning"), (0.98, "critical")])
def test_memory_that_is_nearly_full_is_told_with_its_numbers(
    own_server: Redis, share: float, severity: str
) -> None:
    used = own_server.info("memory")["used_memory"]
    own_server.config_set("maxmemory", int(used / share))

    finding = found(own_server, "memory_nearly_full")

    assert finding.severity == severity
    assert re.search(rf"uses \d\.\d MB of \d\.\d MB \({share:.0%}"[:-2], finding.what)
    assert "maxmemory" in finding.remedy


def test_memory_that_is_three_quarters_full_is_well(own_server: Redis) -> None:
    own_server.config_set("maxmemory", int(own_server.info("memory")["used_memory"] / 0.75))

    assert examined(own_server) == []


def test_settings_that_would_save_memory_are_told_with_what_they_would_save(
    own_server: Redis,
) -> None:
    own_server.config_set("hash-max-listpack-value", 64)
    own_server.config_set("stream-node-max-bytes", 4096)
    own_server.zadd(keys.finished("default"), {str(number): 1 for number in range(1000)})

    hashes, streams = examined(own_server)

    assert (hashes.code, streams.code) == ("hash_max_listpack_value", "stream_node_max_bytes")
    assert {hashes.severity, streams.severity} == {"info"}
    assert "is 64" in hashes.what
    assert "736.0 kB" in hashes.what
    assert "CONFIG SET hash-max-listpack-value 1024" in hashes.remedy
    assert "is 4096" in streams.what
    assert "3.6 MB" in streams.what
    assert "CONFIG SET stream-node-max-bytes 512" in streams.remedy


def test_a_managed_server_that_refuses_config_is_judged_by_what_it_tells(own_server: Redis) -> None:
    with log_in(own_server, "managed", allowed=("+@all", "-config")) as managed:
        finding = found(managed, "settings_unreadable")

    assert finding.severity == "info"
    assert "refuses CONFIG" in finding.what
    assert "hash-max-listpack-value" in finding.remedy


def test_where_config_is_refused_a_missing_aof_is_still_told(own_server: Redis) -> None:
    own_server.config_set("appendonly", "no")
    with log_in(own_server, "managed", allowed=("+@all", "-config")) as managed:
        codes = {finding.code for finding in examined(managed)}

    assert codes == {"snapshots_only", "settings_unreadable"}


def test_a_replica_is_critical_and_names_its_master(own_server: Redis) -> None:
    port = free_port()
    own_server.replicaof("127.0.0.1", port)

    finding = found(own_server, "redis_is_replica")

    assert finding.severity == "critical"
    assert f"127.0.0.1:{port}" in finding.remedy


def test_a_probe_that_fails_is_critical_and_brings_its_remedy(own_server: Redis) -> None:
    well = Probe("text service", lambda: None, "Start it.")
    ill = Probe("mail server", lambda: "The mail server is on fire.", "Put it out.")

    assert examined(own_server, well, ill) == [
        Finding("mail_server_unreachable", "critical", "The mail server is on fire.", "Put it out.")
    ]


def test_probes_are_tried_without_redis_too() -> None:
    ill = Probe("mail server", lambda: "The mail server is on fire.", "Put it out.")
    with connect(Settings(redis_url=f"redis://127.0.0.1:{free_port()}/0")) as nowhere:
        codes = [finding.code for finding in examined(nowhere, ill)]

    assert codes == ["redis_unreachable", "mail_server_unreachable"]
