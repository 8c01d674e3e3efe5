"""What a step commits and leases, and what of it is said only once for many jobs."""

import json

import pytest
from redis import Redis

from tests.workers.conftest import message
from tests.workers.engine.steps import LIST, run_of, step
from tests.workers.takers import Taker
from workers import enqueue, enqueue_many, keys
from workers.engine.alike import Alike
from workers.engine.ends import success_from
from workers.engine.groups import in_groups
from workers.engine.leases import Leases
from workers.engine.plain import plain
from workers.engine.step import Lease


@pytest.fixture
def leases(redis: Redis) -> Leases:
    return Taker(redis).leases


def test_every_leased_job_has_the_fields_of_its_record_in_the_order_of_the_list(redis, leases):
    sent = [
        enqueue(message("a"), connection=redis).id,
        enqueue(message("b"), connection=redis).id,
        enqueue(message("c"), connection=redis, unique_key="one").id,
        enqueue(message("d"), connection=redis, attempts=2).id,
        enqueue(message("e"), connection=redis, timeout=7).id,
        enqueue(message("f"), connection=redis).id,
    ]
    leased = step(leases, 10).leased
    assert [lease.job_id for lease in leased] == sent
    assert [dict(lease.fields) for lease in leased] == [redis.hgetall(keys.job(i)) for i in sent]
    kinds = [type(lease.fields) is Alike for lease in leased]
    assert kinds == [True, True, False, True, True, True]


def test_a_job_is_read_the_same_whichever_way_its_fields_came(redis, leases):
    enqueue(message("a"), connection=redis, attempts=2)
    [lease] = step(leases, 1).leased
    assert type(lease.fields) is Alike
    ways = [plain(lease.fields, LIST), plain(dict(lease.fields), LIST)]
    said = [(job.body, job.timeout, job.meta, job.enqueued_at) for job in ways if job]
    assert said[0] == said[1]


def test_jobs_of_tenants_are_as_plain_as_others_whosever_they_are(redis, leases):
    for tenant in ("7", "8"):
        sent = message("a").model_copy(update={"metadata": {"tenant": tenant}})
        enqueue(sent, connection=redis, timeout=9)
    leased = step(leases, 2).leased
    assert [type(lease.fields) for lease in leased] == [Alike, Alike]
    assert leased[0].fields.common is leased[1].fields.common
    assert all(plain(redis.hgetall(keys.job(each.job_id)), LIST) for each in leased)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("status", "started"), ("timeout", "soon"), ("result_ttl", ""), ("meta", "[]")),
        *(("origin", b"\xff"), ("description", b"\xff"), ("data", "[]"), ("meta", "{")),
    ],
)
def test_a_damaged_record_is_not_plain(redis, leases, field, value):
    job_id = enqueue(message("a"), connection=redis).id
    redis.hset(keys.job(job_id), field, value)
    [lease] = step(leases, 1).leased
    assert plain(lease.fields, LIST) is None
    assert dict(lease.fields) == redis.hgetall(keys.job(job_id))


def test_a_late_finisher_is_refused_and_its_neighbours_are_committed(redis, leases):
    ids = enqueue_many([message("a") for _ in range(3)], connection=redis)
    leased = step(leases, 3).leased
    redis.zrem(keys.leases(leases.holder), leased[1].token)
    done = step(leases, 0, *map(run_of, leased))
    assert done.refused == [1]
    states = [redis.hget(keys.job(job_id), "status") for job_id in ids]
    assert states == [b"finished", b"queued", b"finished"]


def test_a_step_whose_answer_was_lost_gives_the_same_jobs_and_commits_nothing_twice(redis, leases):
    enqueue_many([message("a") for _ in range(5)], connection=redis)
    first = step(leases, 2).leased
    number = leases.next_number()
    lost = step(leases, 2, *map(run_of, first), number=number)
    again = step(leases, 2, *map(run_of, first), number=number)
    assert again.state == "repeated"
    assert [one.token for one in again.leased] == [one.token for one in lost.leased]
    assert [dict(one.fields) for one in again.leased] == [dict(one.fields) for one in lost.leased]
    assert redis.xlen(keys.done()) == 1


def test_no_more_is_leased_than_a_reply_may_hold(redis, leases):
    large = [message("x" * 200_000) for _ in range(8)]
    ids = enqueue_many(large, connection=redis)
    first = step(leases, 8).leased
    assert [lease.job_id for lease in first] == ids[: len(first)]
    assert 1 <= len(first) < len(ids)
    assert [part.decode() for part in redis.lrange(keys.queue(LIST), 0, -1)] == ids[len(first) :]


def test_what_ended_alike_in_a_step_is_one_entry_of_the_newest_outcomes(redis, leases):
    enqueue_many([message("a") for _ in range(200)], connection=redis)
    step(leases, 0, *(run_of(lease) for lease in step(leases, 200).leased))
    for key in (keys.recent(), keys.recent(LIST)):
        [entry] = redis.lrange(key, 0, -1)
        assert entry.decode().split("|")[1:] == [LIST, "TEST", "finished", "200"]


def test_the_newest_outcomes_are_cut_to_a_thousand_entries(redis, leases):
    redis.rpush(keys.recent(), *range(1_500))
    enqueue(message("a"), connection=redis)
    step(leases, 0, *(run_of(lease) for lease in step(leases, 1).leased))
    assert redis.llen(keys.recent()) == 1_000
    assert redis.lindex(keys.recent(), -1).decode().endswith("|TEST|finished|1")


def test_groups_say_once_what_their_runs_share_and_keep_the_order():
    runs = [b"[1]\t[2]", b"[1]\t[3]", b"[4]\t[5]", b"[1]\t[6]"]
    assert json.loads(in_groups(runs)) == [[[1], [2], [3]], [[4], [5]], [[1], [6]]]
    assert in_groups(()) == b"[]"


def test_a_noted_run_can_be_read_by_the_worker_of_its_dead_child():
    lease = Lease("job", "email:high", "holder-1", {})
    read, started, result = success_from(run_of(lease, '["WyJhIl0=","1.0","2.0"]'))
    assert (read, started.isoformat()) == (lease, "2026-01-15T12:00:00+00:00")
    assert result == ["a"]
