"""What a search asks for: `type:EMAIL to:bob@example.com state:failed since:2h`, read into a value.

A qualifier is a name, a colon and a value; a value with spaces stands in double quotes. All of
them must fit; one with `-` in front must not. The fields of payloads are those that are marked
`Indexed`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches

from messages import Message, Payload, message_types
from monitoring.errors import InvalidQuery
from monitoring.jobs.listing import STATES
from monitoring.search.groups import words_of
from monitoring.search.pairs import pairs_of
from monitoring.search.spans import Span, span_from
from workers.indexing import indexed_fields
from workers.routing import queue_of

QUALIFIERS = (
    *("type", "queue", "state", "id", "error", "since", "until", "wait", "run", "tenant"),
)
"""Names that are not those of a payload's fields; a field of the same name is `data.NAME`."""

EXCLUDABLE = ("type", "queue", "state", "tenant")
"""Those that may have `-` in front; what a record does not tell cannot be known to be missing."""

_CALLED = {"dead": "failed", "succeeded": "completed", "cancelled": "canceled"}

LONGEST_QUERY = 2_000
"""Characters."""

_AGO = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_IN_DATA = "data."
_SHOWN = 12  # names in a remedy


@dataclass(frozen=True)
class SearchQuery:
    """What jobs must be like; what is None does not matter.

    Args:
        message_type: Their wire name.
        queue: Their queue, without its priority.
        state: As `get_jobs` names states.
        job_id: Their id, or how it begins.
        error: Words that are all in the error they failed with.
        since: Sent then or later.
        until: Sent then or earlier.
        wait: How long they waited in their queue, before their last start or until now.
        run: How long their last run took, or takes until now.
        tenant: Whose they are.
        without: What they must not be like: names of `EXCLUDABLE`, and values.
        now: The time; needed for `wait` and `run`.
        is_scoped: Whether whoever asks may see that tenant only. Then nothing is looked through but
            the index of its jobs, so that nothing of others shows in what a page takes or has.
        fields: Python names of payload fields, and their values as people write them.
        kinds: The message types that have all of these fields; all types if there are none.
    """

    message_type: str | None = None
    queue: str | None = None
    state: str | None = None
    job_id: str | None = None
    error: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    wait: Span | None = None
    run: Span | None = None
    tenant: str | None = None
    without: tuple[tuple[str, str], ...] = ()
    now: datetime | None = None
    is_scoped: bool = False
    fields: tuple[tuple[str, str], ...] = ()
    kinds: tuple[str, ...] = ()

    def excluded(self, name: str) -> str | None:
        """The value that jobs must not have there; None if any will do.

        Args:
            name: Of `EXCLUDABLE`.
        """
        return dict(self.without).get(name)


def parse_query(text: str, *, now: datetime) -> SearchQuery:
    """Read a search.

    Args:
        text: What somebody typed, up to 2,000 characters.
        now: The time, for `since:2h`.

    Returns:
        The query.

    Raises:
        InvalidQuery: If a qualifier does not exist, stands twice or has no value that fits; it
            names the ones that are most like it.
    """
    if len(text) > LONGEST_QUERY:
        raise InvalidQuery(
            f"The query has {len(text)} characters.",
            field="query",
            remedy=f"Use up to {LONGEST_QUERY:,}.",
        )
    if text != text.encode(errors="replace").decode():
        raise InvalidQuery(
            "The query has half of a character.", field="query", remedy="Type it anew."
        )
    parts = _parts(text)
    own = {name: value for name, value in parts.items() if name in QUALIFIERS}
    known = {name: _indexed(cls) for name, cls in message_types().items()}
    message_type = _type(own.get("type"), known)
    out = {name[1:]: value for name, value in parts.items() if name.startswith("-")}
    others = {name for name in parts if name.startswith("-")} | {*QUALIFIERS}
    asked = {name: value for name, value in parts.items() if name not in others}
    fields = tuple(_field(name, value, message_type, known) for name, value in asked.items())
    return SearchQuery(
        message_type=message_type,
        queue=queue_of(own["queue"]) if "queue" in own else None,
        state=_state(own.get("state")),
        job_id=own.get("id"),
        error=words_of(own["error"]) if "error" in own else (),
        since=_moment("since", own.get("since"), now),
        until=_moment("until", own.get("until"), now),
        wait=span_from("wait", own.get("wait")),
        run=span_from("run", own.get("run")),
        tenant=own.get("tenant"),
        without=tuple((name, _excluded(name, value, known)) for name, value in out.items()),
        now=now if {"wait", "run"} & own.keys() else None,
        fields=fields,
        kinds=_kinds(message_type, [name for name, _ in fields], known),
    )


def state_of(word: str | None) -> str | None:
    """A state by its name, or by what the board calls it.

    Args:
        word: Such as `dead`; None and what is no state are returned as they are.
    """
    return word if word is None else _CALLED.get(word.lower(), word)


def of_tenant(query: SearchQuery, tenant: str | None) -> SearchQuery:
    """A search of who may see one tenant only.

    Args:
        query: What is searched for.
        tenant: The tenant; None means that all may be seen, and changes nothing.

    Raises:
        InvalidQuery: If it asks for another tenant, or for what is known of all together only.
    """
    if tenant is None:
        return query
    if query.tenant not in {None, tenant}:
        raise InvalidQuery(
            f"Only tenant {tenant} may be searched.", field="tenant", remedy="Leave tenant out."
        )
    if query.error:
        raise InvalidQuery(
            "Errors are searched among the failures of all tenants together.",
            field="error",
            remedy="List the dead letters with a `text` instead.",
        )
    return replace(query, tenant=tenant, is_scoped=True)


def _parts(text: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs_of(text):
        if name in found:
            raise InvalidQuery(
                f"{name} is asked for twice.", field=name, remedy="Ask for one value of each."
            )
        if not value:
            raise InvalidQuery(
                f"{name} has no value.", field=name, remedy=f'Write {name}:VALUE or {name}:"A B".'
            )
        found[name] = value
    return found


def _type(name: str | None, known: Mapping[str, Sequence[str]]) -> str | None:
    if name is not None and name not in known and name.upper() in known:
        return name.upper()
    return _one_of("type", name, list(known))


def _excluded(name: str, value: str, known: Mapping[str, Sequence[str]]) -> str:
    if name not in EXCLUDABLE:
        raise InvalidQuery(
            f"{name!r} cannot be left out of a search.",
            field=f"-{name}",
            remedy=f"Only {', '.join(EXCLUDABLE)} can have - in front.",
        )
    kind = _type(value, known) if name == "type" else None
    state = _state(value) if name == "state" else None
    return kind or state or (queue_of(value) if name == "queue" else value)


def _state(word: str | None) -> str | None:
    return _one_of("state", state_of(word), STATES)


def _one_of(field: str, value: str | None, known: Sequence[str]) -> str | None:
    if value is not None and value not in known:
        raise InvalidQuery(
            f"There is no {field} {value!r}.", field=field, remedy=_near(value, known)
        )
    return value


def _field(
    asked: str, value: str, message_type: str | None, known: Mapping[str, Sequence[str]]
) -> tuple[str, str]:
    name = _python_name(asked.removeprefix(_IN_DATA))
    of = [message_type] if message_type else list(known)
    if any(name in known[kind] for kind in of):
        return name, value
    possible = sorted({field for kind in of for field in known[kind]})
    if not asked.startswith(_IN_DATA):
        possible = [*QUALIFIERS, *possible]
    where = f" of {message_type}" if message_type else ""
    raise InvalidQuery(
        f"There is no qualifier {asked!r}{where}: it is no field that is marked Indexed.",
        field=asked,
        remedy=_near(name, possible),
    )


def _kinds(
    message_type: str | None, fields: Sequence[str], known: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    of = [message_type] if message_type else list(known)
    fitting = tuple(kind for kind in of if set(fields) <= set(known[kind]))
    if not fitting:
        raise InvalidQuery(
            f"No message type has the fields {' and '.join(fields)}.",
            field=fields[-1],
            remedy="Leave out one of them.",
        )
    return fitting


def _indexed(message: type[Message]) -> Sequence[str]:
    payload = message.model_fields["data"].annotation
    return indexed_fields(payload) if _is_payload(payload) else ()  # type: ignore[arg-type]


def _is_payload(payload: object) -> bool:
    return isinstance(payload, type) and issubclass(payload, Payload)


def _python_name(name: str) -> str:
    # `noteId`, as it stands in JSON, is `note_id` here.
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def _near(value: str, known: Sequence[str]) -> str:
    near = get_close_matches(value.casefold(), [each.casefold() for each in known], n=3)
    if near:
        alike = [each for each in known if each.casefold() in near]
        return f"Did you mean {' or '.join(alike)}?"
    more = "" if len(known) <= _SHOWN else f" and {len(known) - _SHOWN} more"
    return f"There are {', '.join(known[:_SHOWN])}{more}."


def _moment(field: str, text: str | None, now: datetime) -> datetime | None:
    if text is None:
        return None
    ago = _AGO.fullmatch(text)
    try:
        found = (
            now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
            if ago
            else datetime.fromisoformat(text)
        )
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise InvalidQuery(
        f"{field} {text!r} is no point in time with a time zone.",
        field=field,
        remedy="Write 2h, 30m or 7d for so long ago, or 2026-01-15T12:00:00Z.",
    )
