"""A crash bears the release of the worker that ran the job, and not of who found it."""

from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis
from rq import Worker
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.utils import utcformat

from monitoring.failures import get_failure_group
from monitoring.jobs import get_job_status
from tests.workers.failing import an_email, groups
from tests.workers.takers import Taker
from workers import By, enqueue, failure_groups, keys
from workers.clock import iso
from workers.engine.due import Due
from workers.engine.recovery import reap
from workers.lost import CRASH_LIMIT, give_another_chance

NOW = datetime.now(UTC)
BEGAN = NOW - timedelta(seconds=60)
BORN = NOW - timedelta(hours=1)
VANISHED = "its worker vanished"


@pytest.fixture(autouse=True)
def _finder_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODE_VERSION", "v9")


class Deploy:
    """Workers of a release run jobs and vanish; one of v9 finds them."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.finder = Taker(redis, "email")

    def worker(self, name: str, version: str, born: datetime = BORN) -> None:
        """Let a worker have a record."""
        told = {"birth": utcformat(born), "code_version": version}
        self.redis.hset(f"{Worker.redis_worker_namespace_prefix}{name}", mapping=told)

    def vanish(self, job_id: str, ran_by: str) -> None:
        """Let a worker begin a job and vanish, and another one find it."""
        self.redis.zadd(keys.scheduled("email"), {job_id: 0}, xx=True)
        Due(self.finder.worker.lists, self.redis).promote()
        lost = Taker(self.redis, "email")
        assert [each.job_id for each in lost.lease()] == [job_id]
        if ran_by:
            shown = {"status": "started", "started_at": iso(BEGAN.timestamp())}
            self.redis.hset(keys.job(job_id), mapping={**shown, "worker_name": ran_by})
        lost.vanish()
        assert reap(self.finder.leases) == 1

    def kill_all(self, ran_by: str) -> None:
        """Let a job end worker after worker until it is buried."""
        job_id = self.send()
        for _ in range(CRASH_LIMIT):
            self.vanish(job_id, ran_by)

    def send(self) -> str:
        return enqueue(an_email(), queue="email", connection=self.redis).id

    def last(self, job_id: str) -> dict:
        return get_job_status(job_id, connection=self.redis)["attempts"][-1]


@pytest.fixture
def deploy(redis: Redis) -> Deploy:
    return Deploy(redis)


def test_a_crashed_run_bears_the_release_of_the_worker_that_died(deploy) -> None:
    deploy.worker("old", "v8")
    job_id = deploy.send()
    deploy.vanish(job_id, "old")

    told = deploy.last(job_id)
    assert (told["worker"], told["codeVersion"]) == ("old", "v8")


def test_nobody_knows_the_release_of_a_worker_whose_record_is_gone(deploy) -> None:
    job_id = deploy.send()
    deploy.vanish(job_id, "old")

    told = deploy.last(job_id)
    assert (told["worker"], told["codeVersion"]) == ("old", "")


def test_a_worker_that_took_the_name_of_the_dead_one_says_nothing_of_it(deploy) -> None:
    deploy.worker("mail", "v9", born=NOW)
    job_id = deploy.send()
    deploy.vanish(job_id, "mail")

    assert deploy.last(job_id)["codeVersion"] == ""


def test_nobody_knows_who_ran_what_was_lost_before_anybody_saw_it(deploy) -> None:
    job_id = deploy.send()
    deploy.vanish(job_id, "")

    told = deploy.last(job_id)
    assert (told["worker"], told["codeVersion"]) == ("", "")


def test_under_stock_workers_it_is_the_release_of_the_lost_worker_too(deploy) -> None:
    deploy.worker("old", "v8")
    job = Job.fetch(deploy.send(), connection=deploy.redis, serializer=JSONSerializer)
    job.started_at = BEGAN
    give_another_chance(job, error=VANISHED, worker="old", now=NOW)

    assert deploy.last(job.id)["codeVersion"] == "v8"


@pytest.mark.parametrize(
    ("told", "state", "versions"),
    [
        ("v9", "reopened", ["v9", "v8"]),
        ("unknown", "reopened", ["unknown", "v8"]),
        ("v8", "fixed", ["v8"]),
        (None, "fixed", ["v8"]),
    ],
)
def test_a_mended_group_of_crashes_opens_by_the_release_of_who_died_alone(
    redis, deploy, told, state, versions
) -> None:
    deploy.worker("first", "v8")
    deploy.kill_all("first")
    (name,) = groups(redis)
    failure_groups.mark_fixed(name, "v9", by=By("ada", "mended"), connection=redis)
    if told:
        deploy.worker("second", told)
    deploy.kill_all("second")

    group = get_failure_group(name, connection=redis)
    assert (group["count"], group["state"]) == (2, state)
    assert [each["version"] for each in group["versions"]] == versions
