"""Every Redis key: RQ's, by RQ's own rules, and ours, below `postroom:`."""

from rq.defaults import RQ_KEY_PREFIX

_OURS = "postroom:" if RQ_KEY_PREFIX == "rq" else f"{RQ_KEY_PREFIX}:postroom:"

# --- RQ's -----------------------------------------------------------------------------------


def rq_prefix() -> str:
    """What every key of RQ starts with; scripts add the rest."""
    return f"{RQ_KEY_PREFIX}:"


def job_prefix() -> str:
    """What every job's key starts with; scripts add the id."""
    return f"{RQ_KEY_PREFIX}:job:"


def job(job_id: str) -> str:
    """Hash: one job."""
    return f"{job_prefix()}{job_id}"


def result(job_id: str) -> str:
    """Stream: the results of a job."""
    return f"{RQ_KEY_PREFIX}:results:{job_id}"


def queues() -> str:
    """Set: the keys of all queues that were ever used."""
    return f"{RQ_KEY_PREFIX}:queues"


def queue(name: str) -> str:
    """List: the ids that wait in a queue."""
    return f"{RQ_KEY_PREFIX}:queue:{name}"


def intermediate(name: str) -> str:
    """List: the ids that a worker took from a queue and has not started."""
    return f"{queue(name)}:intermediate"


def started(name: str) -> str:
    """Sorted set: the runs of a queue, as `job:execution`, by the time until when."""
    return f"{RQ_KEY_PREFIX}:wip:{name}"


def suspended() -> str:
    """String: there while `rq suspend` holds."""
    return f"{RQ_KEY_PREFIX}:suspended"


def scheduled(name: str) -> str:
    """Sorted set: the ids of a queue that are due later, by Unix seconds."""
    return f"{RQ_KEY_PREFIX}:scheduled:{name}"


def deferred(name: str) -> str:
    """Sorted set: the ids of a queue that wait for other jobs."""
    return f"{RQ_KEY_PREFIX}:deferred:{name}"


def finished(name: str) -> str:
    """Sorted set: the finished ids of a queue, by the time they may be removed."""
    return f"{RQ_KEY_PREFIX}:finished:{name}"


def failed(name: str) -> str:
    """Sorted set: the failed ids of a queue, by the time they may be removed."""
    return f"{RQ_KEY_PREFIX}:failed:{name}"


def canceled(name: str) -> str:
    """Sorted set: the cancelled ids of a queue, by the time they were cancelled."""
    return f"{RQ_KEY_PREFIX}:canceled:{name}"


def dependents(job_id: str) -> str:
    """Set: the ids that wait for a job."""
    return f"{job(job_id)}:dependents"


def dependencies(job_id: str) -> str:
    """Set: the ids a job waits for (rq/job.py writes this key with two colons)."""
    return f"{job_prefix()}:{job_id}:dependencies"


def scheduler_lock(name: str) -> str:
    """String: held by a stock scheduler that looks after a queue."""
    return f"{RQ_KEY_PREFIX}:scheduler-lock:{name}"


# --- ours -----------------------------------------------------------------------------------


def our_prefix() -> str:
    """What every key of ours starts with; scripts add the rest."""
    return _OURS


def holders() -> str:
    """Sorted set: who holds leases, by the time until when, in ms of Redis' clock."""
    return f"{_OURS}holders"


def leases(holder: str) -> str:
    """Sorted set: the leases of one holder, as `job:execution`, in the order they were taken."""
    return f"{_OURS}leases:{holder}"


def last_step(holder: str) -> str:
    """String: the number of the last step of a holder that was done; expires."""
    return f"{_OURS}step:{holder}"


def without_result(name: str) -> str:
    """List: the finished jobs of a list that returned nothing, oldest first; capped."""
    return f"{_OURS}finished:{name}"


def strange() -> str:
    """List: entries of lists that cannot be ids, each after its list's name; capped."""
    return f"{_OURS}strange"


def stats(resolution: str, begin: int) -> str:
    """Hash: the counters of a minute (`m`), hour (`h`) or day (`d`), by its begin; expires."""
    return f"{_OURS}stats:{resolution}:{begin}"


def times(resolution: str, begin: int, queue: str) -> str:
    """Hash: the histograms of a queue in such a bucket; expires with it."""
    return f"{_OURS}times:{resolution}:{begin}:{queue}"


def deploys() -> str:
    """List: marks of deployments as JSON, oldest first; capped."""
    return f"{_OURS}deploys"


def recent(queue: str = "") -> str:
    """List: the last 1,000 outcomes or more of a queue, or of all, oldest first; capped."""
    return f"{_OURS}recent:{queue}" if queue else f"{_OURS}recent"


def dead_letters() -> str:
    """Sorted set: the job ids of all dead letters, by the time they were buried."""
    return f"{_OURS}dead"


def dead_letter(job_id: str) -> str:
    """String: one dead letter, as JSON."""
    return f"{_OURS}dead:{job_id}"


def dead_letter_index() -> str:
    """Hash: per dead letter, what a list shows of it, as JSON."""
    return f"{_OURS}dead-index"


def dead_letters_spilled() -> str:
    """Set: the ids of the dead letters whose whole text stands in the spill file only."""
    return f"{_OURS}dead-spilled"


def dead_letter_left(job_id: str) -> str:
    """String: how a letter left, as `replayed ID` or `requeued`, so that no import repeats it."""
    return f"{_OURS}dead-left:{job_id}"


def dead_letter_plan(digest: str) -> str:
    """List: the ids that a dry run showed, for the run after it; expires."""
    return f"{_OURS}dead-plan:{digest}"


def job_plan(digest: str) -> str:
    """List: the ids of jobs that a dry run showed, for the run after it; expires."""
    return f"{_OURS}job-plan:{digest}"


def attempts(job_id: str) -> str:
    """List: the attempts of a job that did not succeed, as JSON, oldest first."""
    return f"{_OURS}attempts:{job_id}"


def failures() -> str:
    """Sorted set: fingerprints of the groups of failures, by their last one in ms; capped."""
    return f"{_OURS}failures"


def failure(fingerprint: str) -> str:
    """Hash: one group of failures; expires."""
    return f"{_OURS}failure:{fingerprint}"


def releases() -> str:
    """Sorted set: the releases of the application, by when they were first seen in ms; capped."""
    return f"{_OURS}releases"


def cancel_wish(job_id: str) -> str:
    """String: somebody wants to cancel a job that a worker has; expires after a second."""
    return f"{_OURS}cancel:{job_id}"


def progress(job_id: str) -> str:
    """Hash: how far a running job says it is."""
    return f"{_OURS}progress:{job_id}"


def job_log(job_id: str) -> str:
    """List: what a job's handler logged, as `job_log` writes it, oldest first; capped."""
    return f"{_OURS}log:{job_id}"


def unique(name: str) -> str:
    """String: the id of the job that holds a unique key."""
    return f"{_OURS}unique:{name}"


def done() -> str:
    """Stream: the newest outcomes, for those who wait for one; capped."""
    return f"{_OURS}done"


def unknown_fields() -> str:
    """Hash: per message type, how many fields of newer producers were left out."""
    return f"{_OURS}unknown_fields"


def handed_back() -> str:
    """Hash: per message type, how often a worker did not know it and handed it back."""
    return f"{_OURS}handed_back"


def handlers() -> str:
    """Hash: per message type, the handler that workers have for it, as JSON; expires."""
    return f"{_OURS}handlers"


def audit() -> str:
    """Stream: what people did, newest last; capped."""
    return f"{_OURS}audit"


def cleaned() -> str:
    """String: the policies were followed within the hour; expires after it."""
    return f"{_OURS}cleaned"


def stuck_run(job_id: str, execution: str) -> str:
    """String: what the policy for stuck jobs did with a run, as JSON; expires."""
    return f"{_OURS}stuck:{job_id}:{execution}"


def pauses() -> str:
    """Hash: what is paused, such as `queue:email` or `type:EMAIL`, and by whom, as JSON."""
    return f"{_OURS}pauses"


def claim_order() -> str:
    """String: counts the jobs taken while a type or a tenant is paused, to keep their order."""
    return f"{_OURS}claim_order"


def holds(paused: str) -> str:
    """Set: the names of the lists of which a pause holds jobs back."""
    return f"{_OURS}holds:{paused}"


def held(paused: str, name: str) -> str:
    """Sorted set: the ids of one list that a pause holds back, in the order they were taken."""
    return f"{holds(paused)}:{name}"


def index(message_type: str) -> str:
    """List: the newest jobs of a type that has indexed fields, with their values; in two halves."""
    return f"{_OURS}index:{message_type}"


def index_field(message_type: str, field: str) -> str:
    """Sorted set: the values of an indexed field, each with a job's id, in order of their text."""
    return f"{index(message_type)}:{field}"


def older_index(message_type: str) -> str:
    """List: the older half of a type's index; dropped when the newer one takes its place."""
    return f"{_OURS}older-index:{message_type}"


def older_index_field(message_type: str, field: str) -> str:
    """Sorted set: the values of an indexed field in that half."""
    return f"{older_index(message_type)}:{field}"
