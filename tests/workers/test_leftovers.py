"""What workers find and put in order: failures of stock workers, histories, waiting children."""

from rq import Queue
from rq.job import Job, JobStatus
from rq.registry import FailedJobRegistry
from rq.scheduler import RQScheduler
from rq.serializers import JSONSerializer

from tests.workers.conftest import message
from workers import Settings, dead_letters, enqueue, keys
from workers.dependents import settle_deferred
from workers.engine.claims import Claimer
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
        redis.zadd(keys.finished("default"), {handle.id: number})
        redis.set(keys.result(handle.id), "x")

    removed = trim(keys.finished("default"), keep=3, connection=redis)

    kept = [entry.decode() for entry in redis.zrange(keys.finished("default"), 0, -1)]
    assert removed == 5
    assert kept == [handle.id for handle in handles[5:]]
    assert not redis.exists(keys.job(handles[0].id), keys.result(handles[0].id))
    assert redis.exists(keys.job(handles[7].id))


def test_reconcile_keeps_what_the_settings_say(redis, now):
    for number in range(120):
        redis.zadd(keys.finished("default"), {f"job-{number}": number})

    reconcile("default", settings=Settings(keep_finished=100), now=now, connection=redis)

    assert redis.zcard(keys.finished("default")) == 100


def claimer(redis, *queues, strategy="default"):
    return Claimer(queues, redis, (6, 3, 1), strategy)


def test_a_taken_job_is_in_a_list_at_every_moment(redis):
    handle = enqueue(message(), connection=redis)

    claim = claimer(redis, "default").claim()

    assert claim.job_id == handle.id
    assert redis.lrange(keys.intermediate("default"), 0, -1) == [handle.id.encode()]
    assert claim.fields[b"status"] == b"queued"


def test_the_order_of_the_queues_is_kept_unless_asked_otherwise(redis):
    for queue in ("b", "a", "b", "a"):
        enqueue(message(), connection=redis, queue=queue)

    assert [claimer(redis, "a", "b").claim().queue for _ in range(4)] == ["a", "a", "b", "b"]


def test_round_robin_takes_turns(redis):
    for queue in ("a", "a", "b", "b"):
        enqueue(message(), connection=redis, queue=queue)
    turns = claimer(redis, "a", "b", strategy="round_robin")

    assert [turns.claim().queue for _ in range(4)] == ["a", "b", "a", "b"]


def test_random_takes_from_every_queue(redis):
    for queue in ("a", "b"):
        for _ in range(20):
            enqueue(message(), connection=redis, queue=queue)
    chance = claimer(redis, "a", "b", strategy="random")

    assert {chance.claim().queue for _ in range(20)} == {"a", "b"}


def test_with_all_lists_full_low_gets_its_share(redis):
    for priority in ("high", "normal", "low"):
        for _ in range(100):
            enqueue(message(), connection=redis, priority=priority)
    taker = claimer(redis, "default")

    taken = [taker.claim().queue for _ in range(100)]

    assert (taken.count("default:high"), taken.count("default:low")) == (60, 10)


def test_due_jobs_are_moved_and_others_stay(redis):
    due, later = (enqueue(message(), connection=redis, delay=60) for _ in range(2))
    redis.zadd(keys.scheduled("default"), {due.id: 1})

    assert claimer(redis, "default").promote() == 1
    assert (due.status(), later.status()) == ("queued", "scheduled")
    assert redis.lrange(keys.queue("default"), 0, -1) == [due.id.encode()]


def test_due_jobs_are_left_to_a_stock_scheduler_that_is_alive(redis):
    handle = enqueue(message(), connection=redis, delay=60)
    redis.zadd(keys.scheduled("default"), {handle.id: 1})
    redis.set(keys.scheduler_lock("default"), "a stock scheduler", ex=60)

    assert claimer(redis, "default").promote() == 0


def test_the_lock_that_is_looked_at_is_the_one_rq_takes():
    assert RQScheduler.get_locking_key("default") == keys.scheduler_lock("default")
