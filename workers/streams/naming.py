"""How streams are called: by a template for tenants, or by any other name, with a priority behind.

A stream is three keys, as a queue is three lists: `raibid:jobs:high`, `raibid:jobs` and
`raibid:jobs:low`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from string import Formatter

from messages import Message
from workers.errors import InvalidOption
from workers.routing import Priority, list_name, queue_of

_PART = r"[A-Za-z0-9_.\-]{1,100}"
_NAME = re.compile(r"[!-{}~]{1,200}")  # printable ASCII without space and without `|`
_OF_OTHERS = ("rq:", "postroom:")


@dataclass(frozen=True, slots=True)
class StreamName:
    """What a stream's key says.

    Args:
        key: The key itself.
        base: The stream's name: the key without its priority.
        priority: The priority behind it.
        tenant: Whose it is; empty for one that the template does not fit.
        job_type: What the template says of its entries; empty if nothing.
        family: Under which name it is counted: those of all tenants together.
    """

    key: str
    base: str
    priority: Priority
    tenant: str = ""
    job_type: str = ""
    family: str = ""


@dataclass(frozen=True)
class Naming:
    """The names that a template gives.

    Args:
        template: The setting STREAM_TEMPLATE.
    """

    template: str

    def of(self, tenant: str, job_type: str) -> str:
        """The name of a tenant's stream.

        Args:
            tenant: Letters, digits, `_`, `.` and `-`; at most 100.
            job_type: As `tenant`.

        Raises:
            InvalidOption: If one of them has other characters.
        """
        for field, part in (("tenant", tenant), ("job_type", job_type)):
            if not re.fullmatch(_PART, part):
                raise InvalidOption(
                    f"{part!r} cannot be part of a stream's name.",
                    field=field,
                    remedy="Use 1 to 100 letters, digits, _, . and -.",
                )
        return self.template.format(guild_id=tenant, job_type=job_type)

    def pattern(self, tenant: str = "*", job_type: str = "*") -> str:
        """The pattern of the streams of a tenant, or of all, as Redis and `matches` take it."""
        return self.template.format(guild_id=tenant, job_type=job_type)

    def read(self, key: str) -> StreamName:
        """What a key says.

        Args:
            key: Of a stream.
        """
        return _read(self.template, key)

    def for_message(self, message: Message, asked: str | None = None) -> str:
        """The stream that a message goes to, without its priority.

        Args:
            message: The message.
            asked: The name that the caller gave, which wins.

        Returns:
            `asked`, or what the message's class says, or the template with its tenant.

        Raises:
            InvalidOption: If the name cannot be one, or the message has no tenant.
        """
        name = asked if asked is not None else message.stream
        if name is not None:
            return checked(name)
        tenant = message.tenant
        if tenant is None:
            raise InvalidOption(
                f"{message.message_type} has no tenant, so the template {self.template} gives no "
                "stream for it.",
                field="stream",
                remedy='Pass stream=, or set metadata={"tenant": ...}.',
            )
        return self.of(tenant, job_type_of(message))


def job_type_of(message: Message) -> str:
    """What a message's entry calls its type.

    Args:
        message: The message; one whose data has a `job_type` says it itself.
    """
    own = vars(message.data).get("job_type")  # many times faster than getattr, if it has none
    return own if isinstance(own, str) and own in message.job_types else message.job_types[0]


def checked(name: str) -> str:
    """A stream's name that a caller gave.

    Args:
        name: Without a priority.

    Returns:
        The name.

    Raises:
        InvalidOption: If it cannot be one.
    """
    if not _NAME.fullmatch(name) or name.startswith(_OF_OTHERS):
        raise InvalidOption(
            f"{name!r} cannot be a stream's name.",
            field="stream",
            remedy="Use up to 200 printable characters without spaces and |, not beginning with "
            "rq: or postroom:.",
        )
    if queue_of(name) != name:
        raise InvalidOption(
            f"{name} names a priority.",
            field="stream",
            remedy=f"Use {queue_of(name)}, and priority= if it matters.",
        )
    return name


def checked_pattern(pattern: str) -> str:
    """A pattern of streams that somebody gave.

    Args:
        pattern: A name in which `*` stands for any text.

    Returns:
        The pattern.

    Raises:
        InvalidOption: If no stream could fit.
    """
    if not _NAME.fullmatch(pattern) or pattern.startswith(_OF_OTHERS):
        raise InvalidOption(
            f"{pattern!r} cannot be a pattern of streams.",
            field="streams",
            remedy="Write a name such as raibid:jobs, or a pattern such as jobs:guild:*.",
        )
    return pattern


def keys_of(name: str) -> Sequence[str]:
    """The keys of a stream, most urgent first.

    Args:
        name: The stream, or one of its keys.
    """
    return [list_name(queue_of(name), priority) for priority in Priority]


def matches(key: str, patterns: Sequence[str]) -> bool:
    """Whether a stream's key, or its name, fits one of some patterns.

    Args:
        key: The key.
        patterns: Names in which `*` stands for any text.
    """
    return any(fnmatchcase(key, each) or fnmatchcase(queue_of(key), each) for each in patterns)


@lru_cache(maxsize=10_000)
def _read(template: str, key: str) -> StreamName:
    base = queue_of(key)
    priority = Priority(key[len(base) + 1 :]) if base != key else Priority.NORMAL
    found = _expression(template).fullmatch(base)
    if found is None:
        return StreamName(key, base, priority, family=base)
    tenant, job_type = found["guild_id"], found["job_type"]
    family = template.format(guild_id="*", job_type=job_type)
    return StreamName(key, base, priority, tenant, job_type, family)


@lru_cache(maxsize=10)
def _expression(template: str) -> re.Pattern[str]:
    # A tenant may stand in several places, such as the hash tag and the name.
    parts, seen = [], set[str]()
    for text, field, _, _ in Formatter().parse(template):
        parts.append(re.escape(text))
        if field is not None:
            parts.append(f"(?P={field})" if field in seen else f"(?P<{field}>{_PART})")
            seen.add(field)
    return re.compile("".join(parts))
