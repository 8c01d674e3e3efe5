"""From a message and its options to the job that RQ's readers understand. Pure: writes nothing."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from rq.utils import utcformat

from messages import Message
from workers import keys
from workers.errors import InvalidOption
from workers.options import (
    Backoff,
    Duration,
    EnqueueOptions,
    Keep,
    OnParentFailure,
    aware,
    seconds,
    whole,
)
from workers.routing import list_name, priority_of, queue_for
from workers.settings import Settings

JOB_FUNCTION = "workers.jobs.run_message"
"""The function RQ stores by name. It stands in Redis: renaming it breaks the jobs that wait."""

Stored = str | bytes | float

_JOB_ID = re.compile(r"[A-Za-z0-9_\-]{1,255}")
_LONGEST_KEY = 500
_KEEPS: tuple[Literal["keep_completed", "keep_failed"], ...] = ("keep_completed", "keep_failed")

_KNOWN_OPTIONS = frozenset(EnqueueOptions.__annotations__)


@dataclass(frozen=True)
class JobRecord:
    """A job as it will be stored.

    Args:
        id: The message's id.
        queue: The name of its list.
        keys: The Redis keys that the enqueue script touches.
        arguments: The script's arguments.
    """

    id: str
    queue: str
    keys: Sequence[str]
    arguments: Sequence[Stored]


def job_record(
    message: Message, options: EnqueueOptions, *, settings: Settings, at: datetime | None = None
) -> JobRecord:
    """Check everything and lay out the job.

    Args:
        message: The message.
        options: What the caller said.
        settings: Defaults and routes.
        at: When it is due, if the caller named a time.

    Returns:
        The record; nothing is written.

    Raises:
        InvalidMessage: If the message is too large.
        InvalidOption: If an option cannot be used; the error names it.
    """
    if not isinstance(message, Message):
        raise InvalidOption(
            f"{type(message).__name__} is not a message.",
            field="message",
            remedy="Pass an instance of a Message class; for JSON see messages.new_message.",
        )
    _check_names(options, at)
    body = message.to_json()
    queue = queue_for(message, settings.queue_routes, asked=options.get("queue"))
    name = list_name(queue, priority_of(options.get("priority")))
    parents = _parents(options)
    fields = {
        **_identity(message, body, name),
        **_limits(message, options, settings),
        **_dependence(parents, options),
    }
    return JobRecord(
        id=message.message_id,
        queue=name,
        keys=_keys(message.message_id, name, _unique_key(options)),
        arguments=(
            message.message_id,
            keys.job_prefix(),
            _delay_ms(options),
            aware(at).timestamp() if at else "",
            _queue_ttl(options, settings),
            _window(options),
            _on_parent_failure(options.get("on_parent_failure", "fail")),
            len(parents),
            *parents,
            *(part for pair in fields.items() for part in pair),
        ),
    )


def job_data(body: bytes) -> bytes:
    """What RQ stores as a job's call: the function's name and the envelope, as JSON."""
    return b'["%s", null, [%s], {}]' % (JOB_FUNCTION.encode(), body)


def _check_names(options: EnqueueOptions, at: datetime | None) -> None:
    if unknown := sorted(set(options) - _KNOWN_OPTIONS):
        raise InvalidOption(
            f"There is no option {unknown[0]!r}.",
            field=unknown[0],
            remedy=f"Use one of {', '.join(sorted(_KNOWN_OPTIONS))}.",
        )
    if at is not None and "delay" in options:
        raise InvalidOption(
            "A job is due at a time or after a delay, not both.",
            field="delay",
            remedy="Use enqueue_at without delay, or enqueue_in.",
        )
    if "depends_on" in options and ("delay" in options or at):
        raise InvalidOption(
            "A job can wait for other jobs or for a time, not for both.",
            field="depends_on",
            remedy="Delay the first of the jobs it depends on.",
        )
    if "unique_window" in options and "unique_key" not in options:
        raise InvalidOption(
            "unique_window without unique_key limits nothing.",
            field="unique_key",
            remedy="Name the key that the window is for.",
        )


def _keys(job_id: str, name: str, unique_key: str) -> Sequence[str]:
    return (
        keys.job(job_id),
        keys.queues(),
        keys.queue(name),
        keys.scheduled(name),
        keys.deferred(name),
        keys.unique(unique_key),
        keys.canceled(name),
    )


def _identity(message: Message, body: bytes, name: str) -> Mapping[str, Stored]:
    now = utcformat(datetime.now(UTC))
    return {
        "created_at": now,
        "enqueued_at": now,
        "data": job_data(body),
        "origin": name,
        "description": f"{message.message_type} {message.message_id}",
        "status": "queued",
    }


def _limits(message: Message, options: EnqueueOptions, settings: Settings) -> Mapping[str, Stored]:
    ttl = _queue_ttl(options, settings)
    return {
        **({"queue_ttl": ttl} if ttl else {}),
        "timeout": _timeout(message, options, settings),
        "result_ttl": _age(options, "keep_completed", settings.result_ttl),
        "failure_ttl": _age(options, "keep_failed", settings.failure_ttl),
        "meta": json.dumps(_meta(options)),
    }


def _dependence(parents: Sequence[str], options: EnqueueOptions) -> Mapping[str, Stored]:
    if not parents:
        return {}
    policy = options.get("on_parent_failure", "fail")
    return {
        "dependency_id": parents[0],
        "dependency_ids": json.dumps(parents),
        "on_parent_failure": policy,
        # RQ's own word for it: under a stock worker the job then runs as well.
        "allow_dependency_failures": int(policy == "run"),
    }


def _meta(options: EnqueueOptions) -> dict[str, Any]:
    meta: dict[str, Any] = {}
    if "attempts" in options:
        meta["attempts"] = whole(options["attempts"], field="attempts", least=1)
    if "backoff" in options:
        meta["backoff"] = _backoff(options["backoff"])
    for name in _KEEPS:
        count = _keep(options, name).count
        if count is not None:
            meta[name] = whole(count, field=name, least=0)
    return meta


def _backoff(value: Backoff) -> dict[str, Any]:
    if not isinstance(value, Mapping) or value.get("type") not in ("exponential", "fixed"):
        raise InvalidOption(
            f"backoff is {value!r}.",
            field="backoff",
            remedy='Use {"type": "exponential" or "fixed", "delay": seconds}.',
        )
    return {
        "type": value["type"],
        "delay": seconds(value.get("delay", 2), field="backoff.delay", least=0.001),
    }


def _on_parent_failure(value: OnParentFailure) -> OnParentFailure:
    if value not in ("fail", "run", "cancel"):
        raise InvalidOption(
            f"on_parent_failure is {value!r}.",
            field="on_parent_failure",
            remedy="Use fail, run or cancel.",
        )
    return value


def _parents(options: EnqueueOptions) -> Sequence[str]:
    given: Any = options.get("depends_on", ())
    each: Sequence[Any] = given if isinstance(given, list | tuple) else (given,)
    ids = [getattr(parent, "id", parent) for parent in each]
    if not all(isinstance(job_id, str) and _JOB_ID.fullmatch(job_id) for job_id in ids):
        raise InvalidOption(
            f"depends_on is {given!r}.",
            field="depends_on",
            remedy="Use what enqueue returned, or its id, or a list of them.",
        )
    return ids


def _unique_key(options: EnqueueOptions) -> str:
    given = options.get("unique_key", "")
    if "unique_key" in options and not _is_text(given):
        raise InvalidOption(
            f"unique_key is {given!r}.",
            field="unique_key",
            remedy="Use a text of 1 to 500 characters.",
        )
    return given


def _is_text(value: object) -> bool:
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_KEY:
        return False
    return value.encode(errors="replace").decode() == value


def _keep(options: EnqueueOptions, name: Literal["keep_completed", "keep_failed"]) -> Keep:
    keep = options.get(name, Keep())
    if not isinstance(keep, Keep):
        raise InvalidOption(
            f"{name} is {keep!r}.", field=name, remedy="Use Keep(age=seconds, count=number)."
        )
    return keep


def _timeout(message: Message, options: EnqueueOptions, settings: Settings) -> float:
    asked: Duration = message.timeout_seconds or settings.job_timeout
    asked = options.get("timeout", asked)
    return int(seconds(asked, field="timeout", least=1))


def _age(
    options: EnqueueOptions, name: Literal["keep_completed", "keep_failed"], default: int
) -> int:
    age = _keep(options, name).age
    return default if age is None else int(seconds(age, field=name, least=1))


def _delay_ms(options: EnqueueOptions) -> float | str:
    if "delay" not in options:
        return ""
    return seconds(options["delay"], field="delay", least=0) * 1000


def _queue_ttl(options: EnqueueOptions, settings: Settings) -> float | str:
    if "queue_ttl" in options:
        return seconds(options["queue_ttl"], field="queue_ttl", least=0.001)
    return settings.queue_job_ttl or ""


def _window(options: EnqueueOptions) -> int | str:
    if "unique_key" not in options:
        return ""
    if "unique_window" not in options:
        return "live"
    return int(seconds(options["unique_window"], field="unique_window", least=0.001) * 1000)
