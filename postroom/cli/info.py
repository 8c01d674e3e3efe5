"""`postroom info`: the queues and the workers, the newest failures, or one job."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from monitoring.jobs.failed import get_failed_jobs
from monitoring.queues.overview import get_overview
from monitoring.words import number, span
from postroom.cli.job import job
from postroom.columns import columns, printable
from postroom.printing import answer
from workers.pauses import pauses


def info(
    only_failures: Annotated[  # noqa: FBT002
        bool, typer.Option("--only-failures", help="The newest failed jobs of each queue.")
    ] = False,
    job_id: Annotated[
        str | None, typer.Option("-j", "--job", metavar="ID", help="As `postroom job ID`.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,  # noqa: FBT002
) -> None:
    """Show queues and workers, the newest failures, or one job."""
    if job_id is not None:
        job(job_id, as_json=as_json)
        return
    with answer(as_json=as_json) as say:
        if only_failures:
            failed = get_failed_jobs()
            say({"queues": failed}, _failures(failed))
        else:
            found = get_overview()
            say(found, _overview(found, len(pauses())))


def _overview(found: Mapping[str, Any], paused: int) -> str:
    parts = [_queues(found["queues"]), _workers(found["workers"])]
    if found["suspended"]:
        parts.insert(
            0, "SUSPENDED: no worker starts a job. `rq resume -c worker_settings` ends it."
        )
    if paused:
        parts.append(f"{number(paused, 'pause')}: `postroom queues list`.")
    if found["deadLetters"]:
        parts.append(
            f"{number(found['deadLetters'], 'dead letter')}: `postroom dead-letters list`."
        )
    return "\n\n".join(parts)


def _queues(queues: Mapping[str, Any]) -> str:
    header = ("QUEUE", "WAITING", "HIGH/NORMAL/LOW", "OLDEST", "HELD", "ACTIVE", "DELAYED")
    rows = [
        (
            name,
            queue["waiting"],
            "/".join(str(count) for count in queue["waitingByPriority"].values()),
            _since(queue["oldestWaitingSeconds"]),
            queue["held"],
            queue["active"],
            queue["delayed"],
            queue["deferred"],
            queue["failed"],
            queue["completed"],
            queue["workers"],
        )
        for name, queue in queues.items()
    ]
    return columns((*header, "DEFERRED", "FAILED", "DONE", "WORKERS"), rows)


def _workers(workers: Sequence[Mapping[str, Any]]) -> str:
    if not workers:
        return "No worker runs: `postroom worker` starts one."
    rows = [
        (
            worker["name"],
            f"{worker['host']}:{worker['pid']}",
            f"{worker['state']}{' (stock RQ)' if worker['stock'] else ''}",
            _since(worker["secondsSinceHeartbeat"]),
            worker["currentJob"] or "-",
            " ".join(worker["queues"]),
        )
        for worker in workers
    ]
    return columns(("WORKER", "HOST:PROCESS", "STATE", "SEEN", "JOB", "QUEUES"), rows)


def _failures(failed: Mapping[str, Any]) -> str:
    if not failed:
        return "No failed jobs."
    return "\n\n".join(_failures_of(name, queue) for name, queue in failed.items())


def _failures_of(name: str, queue: Mapping[str, Any]) -> str:
    jobs = queue["jobs"]
    rows = [(job["jobId"], job["messageType"] or "-", job["reason"], job["error"]) for job in jobs]
    title = f"{printable(name)}: {number(queue['count'], 'failed job')}"
    title += f", the newest {len(jobs)}:" if queue["count"] > len(jobs) else ":"
    return f"{title}\n{columns(('JOB', 'TYPE', 'REASON', 'ERROR'), rows)}"


def _since(seconds: float | None) -> str:
    return "-" if seconds is None else span(seconds)
