"""What hypothesis draws: valid messages of every type, and documents that somebody spoiled."""

import os
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from messages import (
    ActivitySchemaData,
    ActivitySchemaMessage,
    BuildConfig,
    BuildData,
    BuildMessage,
    DataSyncData,
    DataSyncMessage,
    EmailData,
    EmailMessage,
    Message,
    MessageScanData,
    MessageScanMessage,
    NoteEnrichmentData,
    NoteEnrichmentMessage,
    NotificationData,
    NotificationMessage,
    TestData,
    TestMessage,
    TestPayload,
    ThumbnailRetryData,
    ThumbnailRetryMessage,
    UserActionData,
    UserActionMessage,
    WorkoutChanges,
    WorkoutUpdateData,
    WorkoutUpdateMessage,
)
from tests.messages.documents import (
    JUNK,
    Document,
    at,
    document,
    encode,
    paths,
    replaced,
    without,
)
from tests.messages.oracle import TYPES

quick = settings(
    max_examples=200,
    deadline=None,
    database=None,
    derandomize="CI" in os.environ,
    # The machine may be busy with other tests; a fixture that all examples share is meant.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

_text = st.text(max_size=20)
_name = st.text(min_size=1, max_size=20)
_optional = st.none() | _text
_number = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
_amount = st.none() | st.floats(0, 1e9) | st.integers(0, 1_000)
_scalar = _text | st.booleans() | _number
_json = st.recursive(
    st.none() | _scalar,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=8,
)
_object = st.dictionaries(_text, _json, max_size=4)
_address = st.from_regex(r"[a-z0-9.+_-]{1,12}@[a-z0-9-]{1,12}(\.[a-z]{2,5})?", fullmatch=True)
_zones = st.sampled_from([UTC]) | st.integers(-1439, 1439).map(
    lambda minutes: timezone(timedelta(minutes=minutes))
)
_moments = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=_zones)  # noqa: DTZ001 - the zones are drawn

_envelope = {
    "message_id": st.from_regex(r"[A-Za-z0-9_-]{1,128}", fullmatch=True),
    "timestamp": _moments,
    "user_id": _optional,
    "metadata": st.none() | _object,
    "correlation_id": _optional,
    "causation_id": _optional,
    "traceparent": _optional,
}


def _made(cls: type[BaseModel], **parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    # Not st.builds: it reads the constructor and adds arguments of its own.
    return st.fixed_dictionaries(parts).map(lambda values: cls(**values))


def _more(*taken: str) -> st.SearchStrategy[dict[str, Any]]:
    names = _name.filter(lambda name: name not in taken)
    return st.dictionaries(names, _scalar, max_size=3)


@st.composite
def _test_payloads(draw: st.DrawFn) -> TestPayload:
    more = draw(_more("field", "oldValue", "newValue", "old_value", "new_value"))
    old, new = draw(st.none() | _scalar), draw(st.none() | _scalar)
    return TestPayload(field=draw(_optional), old_value=old, new_value=new, **more)


@st.composite
def _workout_changes(draw: st.DrawFn) -> WorkoutChanges:
    more = draw(_more("sets", "reps", "weight", "duration", "rest", "notes"))
    return WorkoutChanges(
        sets=draw(st.none() | st.integers(0, 1_000)),
        reps=draw(st.none() | st.integers(0, 10_000)),
        weight=draw(_amount),
        duration=draw(_amount),
        rest=draw(_amount),
        notes=draw(_optional),
        **more,
    )


_guild_part = st.from_regex(r"[A-Za-z0-9_.\-]{1,20}", fullmatch=True)
_channel = {
    "guild_id": _guild_part,
    "channel_id": _guild_part,
    "message_ids": st.lists(_guild_part, max_size=3),
}


_word = _name.filter(lambda name: "\x00" not in name)


def _builds() -> st.SearchStrategy[Any]:
    config = _made(
        BuildConfig,
        build_steps=st.lists(_word, max_size=3),
        cache_enabled=st.booleans(),
        timeout_minutes=st.integers(1, 1_440),
    )
    return _made(
        BuildData,
        job_type=st.sampled_from(["build", "test", "deploy"]),
        repository=st.from_regex(r"[a-z][a-z0-9.]{0,9}/[a-z][a-z0-9_]{0,9}", fullmatch=True),
        branch=_word,
        commit=st.from_regex(r"[0-9a-f]{0,12}", fullmatch=True),
        config=config,
        priority=st.sampled_from(["high", "normal", "low"]),
    )


def valid_messages() -> st.SearchStrategy[Message]:
    """Messages of all types, built as an application builds them."""
    made: list[tuple[type[Message], st.SearchStrategy[Any]]] = [
        (TestMessage, _made(TestData, test_type=_name, payload=_test_payloads())),
        (
            WorkoutUpdateMessage,
            _made(
                WorkoutUpdateData,
                exercise_plan_id=_name,
                phase_id=_name,
                session_id=_name,
                exercise_id=_name,
                changes=_workout_changes(),
            ),
        ),
        (
            UserActionMessage,
            _made(
                UserActionData, action=_name, entity_type=_name, entity_id=_name, payload=_object
            ),
        ),
        (
            NotificationMessage,
            _made(
                NotificationData,
                recipient_id=_name,
                title=_name,
                message=_text,
                type=st.sampled_from(["info", "warning", "error", "success"]),
                action_url=_optional,
            ),
        ),
        (
            EmailMessage,
            _made(
                EmailData,
                to=_address,
                subject=st.from_regex(r"[^\r\n\ud800-\udfff]{1,40}", fullmatch=True),
                template=st.from_regex(r"[a-z0-9_]{1,20}", fullmatch=True),
                template_data=_object,
            ),
        ),
        (
            DataSyncMessage,
            _made(
                DataSyncData,
                sync_type=st.sampled_from(["backup", "export", "import"]),
                entity_type=_name,
                entity_ids=st.lists(_text, max_size=4),
                destination=st.none() | _name,
            ),
        ),
        (NoteEnrichmentMessage, _made(NoteEnrichmentData, note_id=_name)),
        (ActivitySchemaMessage, _made(ActivitySchemaData, activity_id=_name)),
        (MessageScanMessage, _made(MessageScanData, **_channel)),
        (ThumbnailRetryMessage, _made(ThumbnailRetryData, **_channel)),
        (BuildMessage, _builds()),
    ]
    return st.one_of(*(_made(cls, data=data, **_envelope) for cls, data in made))


@st.composite
def spoiled_documents(draw: st.DrawFn) -> bytes:
    """A document with one to three changes: dropped, renamed, retyped or added fields."""
    value: Any = document(draw(st.sampled_from(TYPES)))
    for _ in range(draw(st.integers(1, 3))):
        value = draw(st.sampled_from(_CHANGES))(draw, value)
    return encode(value)


@st.composite
def broken_bytes(draw: st.DrawFn) -> bytes:
    """A document whose bytes were cut, swapped or mixed with others."""
    text = encode(document(draw(st.sampled_from(TYPES))))
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 12)))
    return text[:start] + draw(st.binary(max_size=6) | _fragments) + text[end:]


_fragments = st.sampled_from(
    [b"NaN", b"-Infinity", b"1e999", b"\\ud800", b"\xff", b"\xc3", b"{", b"[", b"]}", b'"', b","]
)


def _drop(draw: st.DrawFn, value: Any) -> Any:
    places = paths(value)[1:]
    return without(value, draw(st.sampled_from(places))) if places else draw(_json)


def _retype(draw: st.DrawFn, value: Any) -> Any:
    return replaced(value, draw(st.sampled_from(paths(value))), draw(st.sampled_from(JUNK) | _json))


def _wrap(draw: st.DrawFn, value: Any) -> Any:
    place = draw(st.sampled_from(paths(value)))
    inner = at(value, place)
    return replaced(value, place, draw(st.sampled_from([[inner], {"value": inner}])))


def _extend(draw: st.DrawFn, value: Any) -> Any:
    places = [place for place in paths(value) if isinstance(at(value, place), dict)]
    if not places:
        return {"extra": value}
    place = draw(st.sampled_from(places))
    more = {draw(_text): draw(_json)}
    return replaced(value, place, {**at(value, place), **more})


def _rename(draw: st.DrawFn, value: Any) -> Any:
    places = [place for place in paths(value)[1:] if isinstance(place[-1], str)]
    if not places:
        return value
    place = draw(st.sampled_from(places))
    name = str(place[-1])
    new = draw(st.sampled_from([_snake(name), name.upper(), f"{name}s", name[1:]]))
    parent: Document = without(value, place)
    return replaced(parent, place[:-1], {**at(parent, place[:-1]), new: at(value, place)})


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


_CHANGES = (_drop, _retype, _wrap, _extend, _rename)
