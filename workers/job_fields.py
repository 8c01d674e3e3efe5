"""What a caller's options mean in a job's hash: each checked, in the unit that is stored."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from messages import Message
from workers.engine_settings import FAILURE_TTL, RESULT_TTL
from workers.errors import InvalidOption
from workers.options import (
    Backoff,
    Duration,
    EnqueueOptions,
    Keep,
    OnParentFailure,
    seconds,
    whole,
)
from workers.settings import Settings
from workers.wire import Stored

_JOB_ID = re.compile(r"[A-Za-z0-9_\-]{1,255}")
_LONGEST_KEY = 500
_KEEPS: tuple[Literal["keep_completed", "keep_failed"], ...] = ("keep_completed", "keep_failed")


def limits(message: Message, options: EnqueueOptions, settings: Settings) -> Mapping[str, Stored]:
    """The fields of a job's hash that say how long and how often.

    Args:
        message: Its class may name a time limit.
        options: What the caller said.
        settings: The defaults.
    """
    ttl = queue_ttl(options, settings)
    return {
        **({"queue_ttl": ttl} if ttl else {}),
        "timeout": _timeout(message, options, settings),
        **_unless("result_ttl", _age(options, "keep_completed", settings.result_ttl), RESULT_TTL),
        **_unless("failure_ttl", _age(options, "keep_failed", settings.failure_ttl), FAILURE_TTL),
        **_unless("meta", json.dumps(_meta(options)), "{}"),
    }


def _unless(name: str, value: Stored, default: Stored) -> Mapping[str, Stored]:
    """A field that says something; each costs memory, and time at every step of its job."""
    return {} if value == default else {name: value}


def dependence(parents: Sequence[str], options: EnqueueOptions) -> Mapping[str, Stored]:
    """The fields of a job's hash that say what it waits for.

    Args:
        parents: The ids it depends on.
        options: What the caller said.
    """
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


def on_parent_failure(value: OnParentFailure) -> OnParentFailure:
    """What becomes of a job when one that it depends on fails, checked.

    Args:
        value: What the caller said.
    """
    if value not in ("fail", "run", "cancel"):
        raise InvalidOption(
            f"on_parent_failure is {value!r}.",
            field="on_parent_failure",
            remedy="Use fail, run or cancel.",
        )
    return value


def parents(options: EnqueueOptions) -> Sequence[str]:
    """The ids that a job depends on, checked.

    Args:
        options: What the caller said.
    """
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


def unique_key(options: EnqueueOptions) -> str:
    """A job's unique key, checked; empty if it has none.

    Args:
        options: What the caller said.
    """
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


def delay_ms(options: EnqueueOptions) -> float | str:
    """The delay in ms; empty if there is none.

    Args:
        options: What the caller said.
    """
    if "delay" not in options:
        return ""
    return seconds(options["delay"], field="delay", least=0) * 1000


def queue_ttl(options: EnqueueOptions, settings: Settings) -> float | str:
    """The seconds that a job may wait in its queue; empty if for ever.

    Args:
        options: What the caller said.
        settings: The default.
    """
    if "queue_ttl" in options:
        return seconds(options["queue_ttl"], field="queue_ttl", least=0.001)
    return settings.queue_job_ttl or ""


def window(options: EnqueueOptions) -> int | str:
    """For how long a unique key holds: in ms, `live` for as long as its job, or empty.

    Args:
        options: What the caller said.
    """
    if "unique_key" not in options:
        return ""
    if "unique_window" not in options:
        return "live"
    return int(seconds(options["unique_window"], field="unique_window", least=0.001) * 1000)
