"""Which jobs a worker may import and run: ours, and what ALLOW_FOREIGN_JOBS names.

Who can write to Redis must not be able to run `os.system` here, neither as a job nor as one of
its callbacks. Checked before anything is imported.
"""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from rq.job import Job
from rq.utils import import_attribute

from workers.record import JOB_FUNCTION

_IMPORTED = {"function", "callback"}


def is_ours(job: Job) -> bool:
    """Whether the job carries a message of ours, and nothing else that would be imported.

    Args:
        job: A job whose data can be read.
    """
    return job.func_name == JOB_FUNCTION and not any(_extras(job))


def refusal(job: Job, allowed: Sequence[str]) -> str | None:
    """Why a job must not run, if so.

    Args:
        job: A job whose data can be read.
        allowed: The setting ALLOW_FOREIGN_JOBS.

    Returns:
        A sentence that names what is not allowed; None if all of it is.
    """
    if "*" in allowed:
        return None
    names = [*_extras(job)]
    if job.func_name != JOB_FUNCTION:
        names.insert(0, f"function {job.func_name}")
    for entry in names:
        kind, _, name = entry.partition(" ")
        if not _is_below(name, allowed):
            return f"The job names the {entry}, which ALLOW_FOREIGN_JOBS does not allow."
        if kind in _IMPORTED and not _is_own(name, allowed):
            return (
                f"The job names the {entry}, which cannot be imported, or which its module has "
                "only imported from elsewhere."
            )
    return None


def _is_below(name: str, allowed: Sequence[str]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in allowed)


def _is_own(name: str, allowed: Sequence[str]) -> bool:
    # RQ would climb through what an allowed module has imported: myapp.jobs.os.system.
    try:
        found = import_attribute(name)
    except Exception:  # noqa: BLE001 - a foreign module may raise anything when it is imported
        return False
    own_name = f"{getattr(found, '__module__', '')}.{getattr(found, '__qualname__', '')}"
    return _is_below(own_name, allowed)


def _extras(job: Job) -> Iterator[str]:
    # The public properties import what they name, so the stored names are read instead.
    callbacks = (
        job._success_callback_name,  # noqa: SLF001
        job._failure_callback_name,  # noqa: SLF001
        job._stopped_callback_name,  # noqa: SLF001
    )
    yield from (f"callback {name}" for name in callbacks if name)
    if job.instance is not None:
        yield f"instance {type(job.instance).__module__}.{type(job.instance).__qualname__}"
    yield from (f"webhook {urlsplit(webhook.url).hostname}" for webhook in job.webhooks)
