"""Runs that the policy for stuck jobs ends, on real workers: for good, or for the job to run again.

The time is an hour ahead for whoever looks, and the real one for the workers.
"""

from datetime import UTC, datetime, timedelta

from redis import Redis
from rq.command import send_command

from monitoring.duties.warden import Warden
from tests.processes import ask_until_true
from tests.workers.conftest import message, settled
from tests.workers.engine.places import Place
from workers import (
    JobHandle,
    Settings,
    attempts,
    audit,
    dead_letters,
    enqueue,
    keys,
    stuck_runs,
    watch_keys,
)


def send(place: Place, kind: str, attempts_: int = 2) -> JobHandle:
    return enqueue(
        message(kind),
        queue=place.queue,
        attempts=attempts_,
        backoff={"type": "fixed", "delay": 0.01},
        connection=place.redis,
    )


def act(place: Place, handle: JobHandle, policy: str, *, runs: int = 1) -> None:
    """Look again and again with an hour on the clock, until the run was dealt with."""
    warden = Warden(Settings(stuck_policy=policy), connection=place.redis)
    later = datetime.now(UTC) + timedelta(hours=1)

    def is_done() -> bool:
        place.redis.delete(watch_keys.stuck_turn())
        until = dict.fromkeys(_holders(place), later.timestamp() * 1000 + 15_000)
        if until:
            place.redis.zadd(keys.holders(), until, xx=True)
        found = warden.look(now=later) or {}
        return found.get(handle.id) == "done"

    ask_until_true(lambda: len(place.said("work") + place.said("ignore")) >= runs)
    ask_until_true(is_done)


def _holders(place: Place) -> list[bytes]:
    return place.redis.zrange(keys.holders(), 0, -1)


def test_stop_ends_it_for_good_as_a_person_does(place) -> None:
    handle = send(place, "work")

    act(place, handle, "stop")

    assert settled(handle) == "stopped"
    place.check_left(handle)
    (entry,) = audit.entries(9, connection=place.redis)
    assert (entry.actor, entry.action, entry.target) == ("stuck policy", "job.stop", handle.id)


def test_requeue_lets_it_run_again_as_an_attempt_that_counts(place) -> None:
    handle = send(place, "work")

    act(place, handle, "requeue")
    ask_until_true(lambda: place.said("work").count("began") == 2)

    (record,) = attempts.history(handle.id, connection=place.redis)
    assert (record.number, record.outcome, record.tier) == (1, "retried", "resource")
    assert record.error_type == "workers.errors.JobStuck"
    assert record.error.startswith("It was stuck: STUCK_POLICY ended its run after ")
    assert record.counts

    act(place, handle, "requeue")
    check_buried(place, handle)
    actions = [entry.action for entry in audit.entries(9, connection=place.redis)]
    assert actions == ["job.requeue", "job.requeue"]


def test_requeue_counts_also_where_the_process_had_to_be_killed(place) -> None:
    handle = send(place, "ignore", attempts_=1)

    act(place, handle, "requeue")

    check_buried(place, handle)
    assert place.said("ignore") == ["began"]


def check_buried(place: Place, handle: JobHandle) -> None:
    """Its attempts are used up, and nothing holds it any more."""
    assert settled(handle) == "failed"
    letter = dead_letters.find(handle.id, connection=place.redis)
    assert letter is not None
    assert letter.reason == "stuck"
    assert letter.attempts[-1]["error_type"] == "workers.errors.JobStuck"
    assert place.redis.zcard(keys.started(place.queue)) == 0
    assert place.redis.keys(keys.leases("*")) == []


def test_a_person_who_stops_it_meanwhile_wins(place) -> None:
    handle = send(place, "ignore")
    act(place, handle, "requeue")

    place.stop(handle, "ignore")

    assert settled(handle) == "stopped"
    assert attempts.history(handle.id, connection=place.redis) == ()


def test_the_neighbours_of_a_run_that_is_requeued_go_on(redis: Redis, crowd_place: Place) -> None:
    place = crowd_place
    place.worker.trace.write_text("", encoding="utf-8")
    handle = send(place, "work")
    neighbour = place.send_async("neighbour")
    act(place, handle, "report,TEST=requeue")

    assert settled(neighbour) == "finished"
    assert place.said("neighbour") == ["began", "ended"]


def test_a_command_for_another_run_of_the_job_does_nothing(place) -> None:
    handle = place.send("nap", new_value=0.6)
    ask_until_true(lambda: place.said("nap"))

    words = {"job_id": handle.id, "execution_id": "0" * 32}
    send_command(place.redis, place.queue, stuck_runs.REQUEUE, **words)

    assert settled(handle) == "finished"
    assert place.said("nap") == ["began", "ended"]
