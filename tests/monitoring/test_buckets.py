from datetime import UTC, datetime, timedelta

import pytest

from monitoring.bucket_fields import Stat, read_fields
from monitoring.buckets import (
    SECONDS,
    altogether,
    per_fingerprint,
    per_queue,
    per_stat,
    per_tenant,
    per_type,
    read_buckets,
)
from monitoring.errors import InvalidQuery
from workers import keys
from workers.scripts import script

NOW = datetime(2026, 1, 15, 12, 0, 20, tzinfo=UTC)


def note(redis, *runs, fingerprint=""):
    """Let the engine's own script count runs: `(queue|type, tenant, outcome, us, us or '')`."""
    calls = "".join(
        f"note({', '.join(f'ARGV[{at}]' for at in range(first, first + 3))},"
        f" tonumber(ARGV[{first + 3}]), tonumber(ARGV[{first + 4}]) or '')\n"
        f"note_failure(ARGV[2], ARGV[{first}])\n"
        for first in range(3, 3 + 5 * len(runs), 5)
    )
    text = script("workers", "ending") + calls + "write_notes(ARGV[1])"
    given = [part for run in runs for part in run]
    redis.eval(text, 0, keys.our_prefix(), fingerprint, *given)


def read(redis, resolution="h"):
    """What was counted in the last hour."""
    now = datetime.now(UTC)
    return read_buckets(resolution, now - timedelta(hours=1), now, connection=redis)


def test_what_the_engine_counts_is_read_per_queue_and_type(redis):
    note(
        redis,
        ("email|EMAIL", "", "finished", 1_000, 50),
        ("email|EMAIL", "", "finished", 3_000, ""),
        ("email|EMAIL", "", "failed", 500_000, 2_000),
        ("email|NOTE", "", "retried", 7, 8),
    )

    found = per_stat(read(redis))

    assert set(found) == {("email", "EMAIL"), ("email", "NOTE")}
    email = found[Stat("email", "EMAIL")]
    assert (email.finished, email.failed, email.ended) == (2, 1, 3)
    assert (email.run.count, email.run.sum_us) == (3, 504_000)
    assert (email.wait.count, email.wait.sum_us) == (2, 2_050)
    assert found[Stat("email", "NOTE")].count("retried") == 1
    assert found[Stat("email", "NOTE")].ended == 0


def test_figures_add_up_over_queues_and_types(redis):
    note(
        redis,
        ("email|EMAIL", "", "finished", 10, 1),
        ("email|NOTE", "", "finished", 20, 1),
        ("notes|NOTE", "", "failed", 30, 1),
    )

    buckets = read(redis)

    assert {name: each.ended for name, each in per_queue(buckets).items()} == {
        "email": 2,
        "notes": 1,
    }
    assert {name: each.run.sum_us for name, each in per_type(buckets).items()} == {
        "EMAIL": 10,
        "NOTE": 50,
    }
    assert altogether(buckets).ended == 3
    queues = per_queue(buckets)
    assert queues["email"] + queues["notes"] == altogether(buckets)


@pytest.mark.parametrize("resolution", SECONDS)
def test_each_resolution_has_the_same_counters(redis, resolution):
    note(redis, ("email|EMAIL", "", "finished", 10, 1))
    now = datetime.now(UTC)

    found = read_buckets(resolution, now - timedelta(minutes=5), now, connection=redis)

    assert altogether(found).finished == 1
    assert {each.seconds for each in found} == {SECONDS[resolution]}


def test_outcomes_are_counted_per_tenant(redis):
    note(
        redis,
        ("email|EMAIL", "acme", "finished", 10, 1),
        ("notes|NOTE", "acme", "finished", 10, 1),
        ("email|EMAIL", "a|b", "failed", 10, 1),
        ("email|EMAIL", "", "finished", 10, 1),
    )

    assert per_tenant(read(redis)) == {"acme": {"finished": 2}, "a|b": {"failed": 1}}


def test_failed_attempts_are_counted_per_fingerprint(redis):
    note(redis, ("email|EMAIL", "", "retried", 1, 1), fingerprint="abc")
    note(redis, ("email|EMAIL", "", "failed", 1, 1), fingerprint="abc")
    note(redis, ("notes|NOTE", "", "failed", 1, 1), fingerprint="def")

    assert per_fingerprint(read(redis)) == {
        "abc": {("email", "EMAIL"): 2},
        "def": {("notes", "NOTE"): 1},
    }


@pytest.mark.parametrize("queue", ["a|b", "tenant|acme", "failure|abc", "emäil 😀", "x\ny", ""])
@pytest.mark.parametrize("tenant", ["", "acme", "a|b|c", "tenant"])
def test_a_queue_may_be_called_anything(redis, queue, tenant):
    note(redis, (f"{queue}|EMAIL", tenant, "finished", 5, 6), fingerprint="abc")

    buckets = read(redis)

    stat = Stat(queue, "EMAIL")
    assert set(per_stat(buckets)) == {stat}
    assert per_fingerprint(buckets) == {"abc": {stat: 1}}
    told = {key: outcomes for each in buckets for key, outcomes in each.tenants.items()}
    assert told == ({(tenant, stat): {"finished": 1}} if tenant else {})


def test_what_is_no_counter_is_passed_over(redis):
    note(redis, ("email|EMAIL", "", "finished", 5, 6))
    sound = altogether(read(redis))
    (key,) = redis.keys(keys.stats("h", "*"))

    redis.hset(
        key,
        mapping={
            "": "1",
            "n": "1",
            "|n": "1",
            "email|n": "1",
            "email|EMAIL|finished|new": "7",
            "email|EMAIL|finished|run:": "7",
            "email|EMAIL|finished|run:-1": "7",
            "email|EMAIL|finished|run:²": "7",
            "email|EMAIL|finished|run:99999999": "7",
            "email|EMAIL|stopped|n": "many",
            "email|EMAIL|stopped|run": "5",
            "tenant|n": "1",
            "tenant|a|b|n": "1",
            "failure|n": "1",
            "failure|a|n": "1",
            b"\xff\xfe|EMAIL|finished": "1",
        },
    )

    assert altogether(read(redis)) == sound
    assert per_tenant(read(redis)) == {}
    assert per_fingerprint(read(redis)) == {}


def test_text_is_understood_as_bytes_are():
    told = {"email|EMAIL|finished|n": "2", "email|EMAIL|finished|run": "9"}

    assert read_fields(told) == read_fields({k.encode(): v.encode() for k, v in told.items()})


def test_a_span_begins_in_a_bucket_and_ends_before_another(redis):
    begins = [
        each.begin
        for each in read_buckets(
            "m", NOW, NOW + timedelta(minutes=2, seconds=-20), connection=redis
        )
    ]

    assert begins == [datetime(2026, 1, 15, 12, minute, tzinfo=UTC) for minute in (0, 1)]


def test_a_span_without_length_has_no_bucket(redis):
    on_the_hour = NOW.replace(second=0)

    assert read_buckets("h", on_the_hour, on_the_hour, connection=redis) == []


def test_a_span_of_too_many_buckets_is_refused(redis):
    with pytest.raises(InvalidQuery, match="10,080 buckets of 60 s") as caught:
        read_buckets("m", NOW - timedelta(days=7), NOW.replace(second=0), connection=redis)

    assert caught.value.field == "begin"
