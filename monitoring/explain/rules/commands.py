"""The commands that rules name, between backticks, by which readers find them."""


def on_job(verb: str, job_id: str) -> str:
    """What a person does to a job, which needs a reason.

    Args:
        verb: Such as `stop`.
        job_id: The job.
    """
    return f'`postroom jobs {verb} {job_id} --reason "..."`'


def why(name: str) -> str:
    """Ask about something else.

    Args:
        name: Such as a job's id.
    """
    return f"`postroom why {name}`"


def worker(queue: str) -> str:
    """Start a worker.

    Args:
        queue: Of this queue.
    """
    return f"`postroom worker {queue}`"
