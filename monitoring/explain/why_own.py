"""Why a job does not get on, for those who may see one tenant only. Only reads.

What is told is what concerns the job itself: its state, its attempts, its pause, how it died. How
many are ahead of it, what else its workers do and how many failed alike is told of all tenants
together, so it is left out, and so is when the job starts.
"""

from collections.abc import Sequence
from dataclasses import replace

import redis

from monitoring.answers import as_text
from monitoring.explain.explanations import Explanation, explain_job
from monitoring.explain.facts import JobFacts, Parent
from monitoring.explain.job_facts import read_job_facts
from monitoring.jobs.tenants import check_job_of
from monitoring.queues.look import take_look
from workers import keys
from workers.connection import storage_errors
from workers.settings import Settings, load_settings
from workers.tenants import FIELD, tenant_mark


def why_own_job(
    job_id: str, tenant: str, *, connection: redis.Redis, settings: Settings | None = None
) -> Explanation:
    """Explain a job of a tenant.

    Args:
        job_id: The job.
        tenant: Whose it must be.
        connection: Where.
        settings: None means those of this process.

    Raises:
        JobNotFound: If there is none, or it is another tenant's, or nobody's.
        StorageUnavailable: If Redis does not answer.
    """
    check_job_of(tenant, job_id, connection=connection)
    with storage_errors():
        look = take_look(connection=connection, settings=settings or load_settings())
        facts = read_job_facts(job_id, look)
        parents = _parents(facts.parents, tenant_mark(tenant), connection)
    return explain_job(_of_itself(facts, parents))


def _of_itself(facts: JobFacts, parents: Sequence[Parent]) -> JobFacts:
    pauses = () if facts.queue is None or facts.state != "waiting" else facts.queue.pauses
    return replace(
        facts,
        queue=None,
        ahead=None,
        alike=0,
        usual=None,
        pauses=[*facts.pauses, *pauses],
        parents=parents,
    )


def _parents(parents: Sequence[Parent], mark: str, connection: redis.Redis) -> Sequence[Parent]:
    with connection.pipeline(transaction=False) as pipe:
        for parent in parents:
            pipe.hget(keys.job(parent.job_id), FIELD)
        told = pipe.execute() if parents else []
    return [
        parent if as_text(said or b"") == mark else Parent("of others", "not over", "", "")
        for parent, said in zip(parents, told, strict=True)
    ]
