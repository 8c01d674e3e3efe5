"""`postroom watch` alerts and cleans up, and serves nothing."""

import psutil
import pytest
from redis import Redis

from tests.processes import Eventually, StartProcess
from workers import keys, watch_keys


@pytest.mark.slow("a process loads the application")
def test_it_alerts_and_cleans_up_without_a_secret_until_it_is_told_to_end(
    redis: Redis, start_warm: StartProcess, eventually: Eventually
) -> None:
    process = start_warm(
        "postroom", "watch", env={"CLEANUP_POLICIES": "email:completed:7d:0", "ALERT_SECONDS": "1"}
    )
    process.wait_for("Postroom watches, by", within=20)

    assert eventually(lambda: redis.exists(watch_keys.alert_turn()))
    assert eventually(lambda: redis.exists(keys.cleaned()))
    listening = [
        each for each in psutil.Process(process.pid).net_connections() if each.status == "LISTEN"
    ]
    assert listening == []
    assert process.end() == 0, process.output()
    assert not redis.exists(watch_keys.alert_turn())


def test_what_cannot_be_used_stops_the_start(redis: Redis, start_warm: StartProcess) -> None:
    process = start_warm("postroom", "watch", env={"CLEANUP_POLICIES": "email:ended"})

    assert process.popen.wait(20) == 2
    assert "CLEANUP_POLICIES" in process.output()
