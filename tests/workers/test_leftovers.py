"""What workers find and put in order: failures of stock workers, histories, waiting children."""

from concurrent.futures import ThreadPoolExecutor

from rq import Queue
from rq.job import Job, JobStatus
from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer

from tests.workers.conftest import message
from workers import Settings, dead_letters, enqueue, keys
from workers.dependents import settle_deferred
from workers.reconcile import bury_failed, reconcile
from workers.retention import trim


def fail(redis, job_id):
    """Fail a job as a stock clean-up does, which tells nobody."""
    job = Job.fetch(job_id, connection=redis, serializer=JSONSerializer)
    redis.lrem(keys.queue(job.origin), 0, job_id)
    job.set_status(JobStatus.FAILED)
    FailedJobRegistry(job.origin, connection=redis, serializer=JSONSerializer).add(
        job, exc_string="Moved to FailedJobRegistry, due to AbandonedJobError"
    )
    return job


def test_what_a_stock_clean_up_failed_is_buried_once(redis, now):
    handle = enqueue(message(), connection=redis)
    fail(redis, handle.id)

    found = [bury_failed("default", now=now, connection=redis) for _ in range(2)]

    assert found == [1, 0]
    assert dead_letters.find(handle.id, connection=redis).reason == "crash"


def test_a_letter_that_a_person_removed_does_not_come_back(redis, now):
    handle = enqueue(message(), connection=redis)
    fail(redis, handle.id)
    bury_failed("default", now=now, connection=redis)

    dead_letters.resolve(handle.id, connection=redis)

    assert bury_failed("default", now=now, connection=redis) == 0


def test_failures_that_are_not_ours_are_left_alone(redis, now):
    job = Queue("default", connection=redis).enqueue("some.function")
    redis.zadd(keys.failed("default"), {job.id: 1})

    assert bury_failed("default", now=now, connection=redis) == 0


def test_a_job_that_a_person_stopped_is_no_dead_letter(redis, now):
    handle = enqueue(message(), connection=redis)
    fail(redis, handle.id)
    redis.hset(keys.job(handle.id), "status", "stopped")

    assert bury_failed("default", now=now, connection=redis) == 0


def test_a_corrupt_record_among_the_failed_does_not_stop_the_others(redis, now):
    broken, good = (enqueue(message(), connection=redis) for _ in range(2))
    for handle in (broken, good):
        fail(redis, handle.id)
    redis.hset(keys.job(broken.id), "created_at", "yesterday")

    assert bury_failed("default", now=now, connection=redis) == 1
    assert dead_letters.find(good.id, connection=redis) is not None


def test_a_child_whose_parents_death_nobody_announced_is_settled(redis):
    parent = enqueue(message(), connection=redis)
    child = enqueue(message(), connection=redis, depends_on=parent)
    fail(redis, parent.id)

    assert settle_deferred("default", connection=redis) == 1
    assert child.status() == "queued"


def test_a_parent_whose_record_is_gone_counts_as_done(redis):
    gone, other = (enqueue(message(), connection=redis) for _ in range(2))
    child = enqueue(message(), connection=redis, depends_on=[gone, other])
    redis.delete(keys.job(gone.id))

    assert settle_deferred("default", connection=redis) == 0
    redis.hset(keys.job(other.id), "status", "finished")
    redis.sadd(keys.dependencies(child.id), gone.id)

    assert settle_deferred("default", connection=redis) == 1
    assert child.status() == "queued"
    assert not redis.hexists(keys.job(child.id), "parent_failed")


def test_a_history_is_trimmed_from_its_oldest_end_with_its_records(redis):
    handles = [enqueue(message(), connection=redis) for _ in range(8)]
    for number, handle in enumerate(handles):
        redis.hset(keys.job(handle.id), "status", "finished")
        redis.zadd(keys.finished("default"), {handle.id: number})
        redis.set(keys.result(handle.id), "x")

    removed = trim(keys.finished("default"), keep=3, connection=redis)

    kept = [entry.decode() for entry in redis.zrange(keys.finished("default"), 0, -1)]
    assert removed == 5
    assert kept == [handle.id for handle in handles[5:]]
    assert not redis.exists(keys.job(handles[0].id), keys.result(handles[0].id))
    assert redis.exists(keys.job(handles[7].id))


def test_a_history_is_not_trimmed_twice_for_the_same_surplus(redis):
    redis.zadd(keys.failed("default"), {f"job-{number}": number for number in range(60)})

    with ThreadPoolExecutor(8) as workers:
        calls = [
            workers.submit(trim, keys.failed("default"), keep=50, connection=redis)
            for _ in range(8)
        ]

    assert sorted(call.result() for call in calls) == [0] * 7 + [10]
    assert redis.zcard(keys.failed("default")) == 50


def test_a_job_that_was_sent_again_leaves_the_history_and_lives(redis):
    handle = enqueue(message(), connection=redis)
    redis.zadd(keys.failed("default"), {handle.id: 1})

    assert trim(keys.failed("default"), keep=0, connection=redis) == 1

    assert handle.status() == "queued"
    assert redis.zcard(keys.failed("default")) == 0


def test_reconcile_keeps_what_the_settings_say_and_leaves_nothing_to_do(redis, now):
    old = {f"job-{number}": number for number in range(1_300)}
    for history in (keys.failed("default"), keys.canceled("default")):
        redis.zadd(history, old)

    kept = Settings(keep_failed=100)
    more = reconcile("default", settings=kept, now=now, connection=redis)
    changes = redis.info("persistence")["rdb_changes_since_last_save"]
    reconcile("default", settings=kept, now=now, connection=redis)

    assert not more
    for history in (keys.failed("default"), keys.canceled("default")):
        assert redis.zrange(history, 0, -1) == list(map(str.encode, list(old)[-100:]))
    assert redis.info("persistence")["rdb_changes_since_last_save"] == changes


def test_what_is_too_much_for_one_turn_is_told(redis, now):
    redis.zadd(keys.failed("default"), {f"job-{number}": number for number in range(10_100)})
    kept = Settings(keep_failed=50)

    turns = [reconcile("default", settings=kept, now=now, connection=redis) for _ in range(2)]

    assert turns == [True, False]
    assert redis.zcard(keys.failed("default")) == 50


def test_jobs_with_a_result_are_kept_as_long_as_the_result(redis, now):
    redis.zadd(keys.finished("default"), {f"job-{number}": number for number in range(120)})

    reconcile("default", settings=Settings(keep_finished=100), now=now, connection=redis)

    assert redis.zcard(keys.finished("default")) == 120
