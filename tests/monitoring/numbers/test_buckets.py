from datetime import UTC, datetime, timedelta

import pytest

from monitoring.errors import InvalidQuery
from monitoring.numbers.bucket_fields import Stat, read_sums
from monitoring.numbers.buckets import per_queue, per_stat, per_type, read_buckets
from monitoring.numbers.figures import Figures
from monitoring.numbers.spans import SECONDS, cover, pieces_of
from tests.monitoring.counted import note
from workers import keys

NOW = datetime(2026, 1, 15, 12, 30, 20, tzinfo=UTC)


def read(redis, resolution="h"):
    """What was counted in the last hour."""
    now = datetime.now(UTC)
    return read_buckets(resolution, now - timedelta(hours=1), now, connection=redis)


def altogether(buckets):
    return Figures.together(each for bucket in buckets for each in bucket.figures.values())


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


@pytest.mark.parametrize("queue", ["a|b", "tenant|acme", "failure|abc", "emäil 😀", "x\ny", ""])
@pytest.mark.parametrize("tenant", ["", "acme", "a|b|c", "tenant"])
def test_a_queue_may_be_called_anything(redis, queue, tenant):
    note(redis, (f"{queue}|EMAIL", tenant, "finished", 5, 6), fingerprint="abc")

    found = per_stat(read(redis))

    assert {stat: each.finished for stat, each in found.items()} == {Stat(queue, "EMAIL"): 1}


def test_what_is_no_counter_is_passed_over(redis):
    note(redis, ("email|EMAIL", "", "finished", 5, 6))
    sound = altogether(read(redis))
    (sums,) = redis.keys(keys.stats("h", "*"))
    (times,) = redis.keys(keys.times("h", "*", "email"))

    for name in ("", "n", "|n", "email|n", "email|EMAIL|finished|new", "tenant|n", "tenant|a|b|n"):
        redis.hset(sums, name, "1")
    for name in ("failure|n", "failure|a|n", b"\xff\xfe|EMAIL|finished"):
        redis.hset(sums, name, "1")
    redis.hset(sums, mapping={"email|EMAIL|stopped|n": "many", "email|EMAIL|stopped|run": "5"})
    for part in ("run:", "run:-1", "run:²", "run:99999999", "wait", "new:3", ""):
        redis.hset(times, f"EMAIL|finished|{part}", "7")
    redis.hset(times, mapping={"": "1", "run:3": "1", "EMAIL|finished|run:5": "many"})

    assert altogether(read(redis)) == sound


def test_where_histograms_are_lost_counts_and_averages_are_left(redis):
    note(redis, ("email|EMAIL", "", "finished", 5_000, 6))
    redis.delete(*redis.keys(keys.times("h", "*", "*")))

    run = altogether(read(redis)).run

    assert (run.count, run.average_ms, run.quantile_ms(0.5)) == (1, 5, None)


def test_figures_of_named_queues_are_read_alone(redis):
    note(redis, ("email|EMAIL", "", "finished", 5, 6), ("notes|NOTE", "", "finished", 5, 6))
    now = datetime.now(UTC)

    found = read_buckets("h", now, now, queues=["notes", "none"], connection=redis)

    assert set(per_queue(found)) == {"notes"}


def test_sums_and_histograms_are_kept_equally_long(redis):
    note(redis, ("email|EMAIL", "", "finished", 5, 6))
    note(redis, ("email|EMAIL", "", "failed", 5, 6), ("notes|NOTE", "", "finished", 5, 6))

    for resolution, days in (("m", 7), ("h", 90), ("d", 90)):
        found = redis.keys(keys.stats(resolution, "*")) + redis.keys(
            keys.times(resolution, "*", "*")
        )
        assert len(found) >= 3
        assert {round(redis.ttl(key) / 86_400, 2) for key in found} == {days}


def test_text_is_understood_as_bytes_are():
    told = {"email|EMAIL|finished|n": "2", "email|EMAIL|finished|run": "9"}

    assert read_sums(told) == read_sums({k.encode(): v.encode() for k, v in told.items()})


def test_a_span_begins_in_a_bucket_and_ends_before_another():
    pieces = pieces_of("m", NOW, NOW + timedelta(minutes=2, seconds=-20))

    minute = int(NOW.timestamp()) - 20
    assert pieces == [("m", minute), ("m", minute + 60)]
    assert pieces_of("m", NOW.replace(second=0), NOW.replace(second=0)) == []


def test_a_span_of_too_many_buckets_is_refused():
    with pytest.raises(InvalidQuery, match="10,080 buckets of 60 s") as caught:
        pieces_of("m", NOW - timedelta(days=7), NOW.replace(second=0))

    assert caught.value.field == "begin"


@pytest.mark.parametrize(
    ("span", "finest", "counts"),
    [
        (timedelta(hours=1), "m", {"m": 30, "h": 1}),
        (timedelta(minutes=59), "m", {"m": 29, "h": 1}),
        (timedelta(hours=24), "m", {"m": 30, "h": 11, "d": 1}),
        (timedelta(hours=24), "h", {"h": 12, "d": 1}),
        (timedelta(days=7), "h", {"h": 12, "d": 7}),
        (timedelta(days=30), "h", {"h": 12, "d": 30}),
    ],
)
def test_a_span_until_now_is_covered_by_few_buckets_without_gaps(span, finest, counts):
    begin = NOW - span

    pieces = cover(begin, NOW, finest=finest)

    told = [each.resolution for each in pieces]
    assert {each: told.count(each) for each in counts} == counts
    assert len(pieces) == sum(counts.values())
    ends = [each.begin + SECONDS[each.resolution] for each in pieces]
    assert [each.begin for each in pieces[1:]] == ends[:-1]
    assert 0 <= begin.timestamp() - pieces[0].begin < SECONDS[finest]
    assert ends[-1] > NOW.timestamp()


@pytest.mark.parametrize("minute", [0, 1, 59])
@pytest.mark.parametrize("hour", [0, 1, 23])
def test_buckets_that_cover_a_span_begin_where_such_buckets_do(hour, minute):
    now = NOW.replace(hour=hour, minute=minute)

    pieces = cover(now - timedelta(days=2), now, finest="m")

    assert all(each.begin % SECONDS[each.resolution] == 0 for each in pieces)
    assert len(pieces) <= 59 + 23 + 3


def test_a_span_that_ends_before_it_begins_has_no_bucket():
    assert cover(NOW, NOW - timedelta(hours=1), finest="m") == ()
