"""Which of Redis' lists a message goes to: a queue by rule, and a list within it by priority."""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Literal

from messages import Message, message_types
from workers.errors import InvalidOption

NAME_PATTERN = re.compile(r"[A-Za-z0-9_.\-]{1,100}")

PriorityName = Literal["high", "normal", "low"]


class Priority(StrEnum):
    """A queue's three lists, most urgent first."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


_URGENT, _MIDDLE, _LAST = 3, 7, 10  # 1-3 high, 4-7 normal, 8-10 low


def priority_of(value: PriorityName | Priority | int | None) -> Priority:
    """The list for a priority.

    Args:
        value: `high`, `normal`, `low`, or an integer from 1 (most urgent) to 10; None is normal.

    Returns:
        The priority.

    Raises:
        InvalidOption: For anything else.
    """
    if value is None:
        return Priority.NORMAL
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _LAST:
        return _by_number(value)
    if isinstance(value, str) and value in {"high", "normal", "low"}:
        return Priority(value)
    raise InvalidOption(
        f"The priority is {value!r}.",
        field="priority",
        remedy="Use high, normal or low, or an integer from 1 (most urgent) to 10.",
    )


def list_name(queue: str, priority: Priority) -> str:
    """The name RQ knows a queue's list by: `email:high`, `email` or `email:low`."""
    return queue if priority is Priority.NORMAL else f"{queue}:{priority}"


@lru_cache(maxsize=1_000)
def queue_of(name: str) -> str:
    """The queue that a list belongs to: the inverse of `list_name`."""
    base, _, suffix = name.rpartition(":")
    return base if suffix in {Priority.HIGH, Priority.LOW} else name


def priority_in(name: str) -> Priority:
    """The priority of a list, by the name that RQ knows it by; normal if it names none."""
    return Priority(name.removeprefix(queue_of(name)).removeprefix(":") or Priority.NORMAL)


def queue_for(message: Message, routes: Mapping[str, str], *, asked: str | None = None) -> str:
    """The queue of a message.

    Args:
        message: The message.
        routes: The setting QUEUE_ROUTES: `TYPE:tenant` before `TYPE`, before the class's own.
        asked: The queue the caller named, which wins.

    Returns:
        A name of letters, digits, `_`, `.` and `-`.

    Raises:
        InvalidOption: If the name has other characters, or a rule needs a tenant that the message
            does not have.
    """
    name = _by_rule(message, routes) if asked is None else asked
    if not isinstance(name, str) or not NAME_PATTERN.fullmatch(name):
        raise InvalidOption(
            f"{name!r} cannot be a queue's name.",
            field="queue",
            remedy="Use up to 100 letters, digits, _, . and -.",
        )
    return name


def is_queue_of(tenant: str, name: str, routes: Mapping[str, str]) -> bool:
    """Whether a queue is one tenant's own: rules lead that tenant's messages to it, and no others'.

    Args:
        tenant: Whose it may be.
        name: A queue's name, without its priority.
        routes: The setting QUEUE_ROUTES; the queues of message classes are rules, too.

    Returns:
        False for a queue that no rule makes out of a tenant. What somebody sends to it by hand,
        with `queue=`, counts as its owner's.
    """
    rules = [*routes.items(), *((kind, cls.queue) for kind, cls in message_types().items())]
    owners = {owner for rule in rules for owner in _owners(*rule, name)}
    return owners == {tenant}


def _owners(rule: str, template: str, name: str) -> Iterator[str]:
    """Whose messages a rule leads to a queue; an empty text stands for everybody's."""
    _, _, whom = rule.partition(":")
    first, *others = (re.escape(part) for part in template.split("{tenant}"))
    pattern = first + "".join(
        f"{'(?P<tenant>.+)' if number == 0 else '(?P=tenant)'}{part}"
        for number, part in enumerate(others)
    )
    found = re.fullmatch(pattern, name)
    if found is not None:
        named = found["tenant"] if others else ""
        if not whom or not named or whom == named:
            yield whom or named


def _by_number(value: int) -> Priority:
    if value <= _URGENT:
        return Priority.HIGH
    return Priority.NORMAL if value <= _MIDDLE else Priority.LOW


def _by_rule(message: Message, routes: Mapping[str, str]) -> str:
    kind, tenant = message.message_type, message.tenant
    template = routes.get(f"{kind}:{tenant}") or routes.get(kind) or message.queue
    if "{tenant}" not in template:
        return template
    if tenant is None:
        raise InvalidOption(
            f"The route {kind}={template} needs a tenant, and the message has none.",
            field="metadata.tenant",
            remedy='Set metadata={"tenant": ...}, or pass queue=.',
        )
    return template.replace("{tenant}", tenant)
