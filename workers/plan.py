"""What all jobs of one call share: its options, checked, as the enqueue script takes them."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from messages import Message
from workers import keys
from workers.engine_settings import DAY
from workers.errors import InvalidOption
from workers.indexing import indexed_fields
from workers.job_fields import (
    delay_ms,
    dependence,
    limits,
    on_parent_failure,
    parents,
    queue_ttl,
    unique_key,
    window,
)
from workers.options import EnqueueOptions, aware
from workers.routing import Priority, list_name, priority_of, queue_for
from workers.settings import Settings
from workers.tenant_keys import older_tenant_index, tenant_index
from workers.tenants import FIELD, tenant_mark
from workers.wire import Stored, packed

_KNOWN_OPTIONS = frozenset(EnqueueOptions.__annotations__)

_REMEMBERED = frozenset({"queue", "priority", "attempts", "timeout", "queue_ttl", "delay"})
_PLAIN = frozenset({str, int, float, timedelta, Priority})
_MOST_REMEMBERED = 1_000


@dataclass(frozen=True, eq=False)
class JobPlan:
    """What the enqueue script is told of a job, but for its message.

    Two plans are never equal, so a plan can stand in a dict for all its jobs.

    Args:
        keys: The Redis keys that the script touches.
        arguments: Those between the moment and the jobs.
        is_indexed: Whether the script is to be told the marks of each message.
    """

    keys: Sequence[str]
    arguments: Sequence[Stored]
    is_indexed: bool

    @cached_property
    def packed_keys(self) -> bytes:
        """The keys and their number, packed once for all jobs."""
        return packed((len(self.keys), *self.keys))

    @cached_property
    def packed_arguments(self) -> bytes:
        """The arguments, packed once for all jobs."""
        return packed(self.arguments)


_plans: dict[Hashable, JobPlan] = {}  # of calls before: most callers say the same each time


def plan_for(
    message: Message, options: EnqueueOptions, *, settings: Settings, at: datetime | None = None
) -> JobPlan:
    """Check the options and lay out what does not depend on the message's content.

    Args:
        message: Its type and its tenant count.
        options: What the caller said.
        settings: Defaults and routes.
        at: When the job is due, if the caller named a time.

    Returns:
        The plan; the same one for the same type, tenant and options, if these are simple.

    Raises:
        InvalidOption: If an option cannot be used; the error names it.
    """
    said = _said(options) if at is None else None
    if said is None:
        return _planned(message, options, settings, at)
    asked = (type(message), message.message_type, message.tenant, settings, said)
    plan = _plans.get(asked)
    if plan is None:
        plan = _planned(message, options, settings, at)
        if len(_plans) >= _MOST_REMEMBERED:
            _plans.clear()
        _plans[asked] = plan
    return plan


def _said(options: EnqueueOptions) -> Hashable:
    """The options as something to remember a plan by; None if they are not worth it."""
    if not options:
        return ()
    # With their types: True is no number of attempts, although Python says that it equals 1.
    said = tuple((name, type(value), value) for name, value in options.items())
    is_plain = all(name in _REMEMBERED and kind in _PLAIN for name, kind, _ in said)
    return said if is_plain else None


def _planned(
    message: Message, options: EnqueueOptions, settings: Settings, at: datetime | None
) -> JobPlan:
    _check_names(options, at)
    queue = queue_for(message, settings.queue_routes, asked=options.get("queue"))
    name = list_name(queue, priority_of(options.get("priority")))
    waits_for, tenant = parents(options), tenant_mark(message.tenant)
    fields = {
        "origin": name,
        **limits(message, options, settings),
        **dependence(waits_for, options),
        **({FIELD: tenant} if tenant else {}),
    }
    is_indexed = settings.index_jobs > 0 and bool(indexed_fields(type(message.data)))
    return JobPlan(
        keys=_keys(name, unique_key(options), message.message_type, tenant),
        arguments=(
            keys.job_prefix(),
            delay_ms(options),
            aware(at).timestamp() if at else "",
            queue_ttl(options, settings),
            window(options),
            on_parent_failure(options.get("on_parent_failure", "fail")),
            message.message_type,
            settings.index_jobs if is_indexed else "",
            settings.index_days * DAY,
            " ".join(indexed_fields(type(message.data))),
            settings.index_jobs if tenant and settings.index_jobs else "",
            len(waits_for),
            2 * len(fields),
            *waits_for,
            *(part for pair in fields.items() for part in pair),
        ),
        is_indexed=is_indexed,
    )


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


def _keys(name: str, unique: str, message_type: str, tenant: str) -> Sequence[str]:
    return (
        keys.queues(),
        keys.queue(name),
        keys.scheduled(name),
        keys.deferred(name),
        keys.unique(unique),
        keys.canceled(name),
        keys.index(message_type),
        keys.older_index(message_type),
        *((tenant_index(tenant), older_tenant_index(tenant)) if tenant else ()),
    )
