"""What can be searched: written with the job, bounded, and never a secret."""

import hashlib
import time
from datetime import UTC, datetime
from typing import Annotated, Literal

import pytest
from pydantic import Field

from messages import Indexed, JsonObject, Message, NoteEnrichmentMessage, Payload, Secret
from tests.processes import own_keys
from tests.workers.conftest import message
from workers import Settings, enqueue, enqueue_many, keys
from workers.indexing import IndexEntry, entry_from, indexed_value, matching


class ParcelData(Payload):
    address: Annotated[str, Indexed]
    weight: Annotated[int | None, Indexed] = None
    pin: Annotated[str, Indexed, Secret] = "0000"
    api_token: Annotated[str, Indexed] = "t-1"
    extras: Annotated[JsonObject, Indexed] = Field(default_factory=dict)
    note: str = ""


class ParcelMessage(Message):
    message_type: Literal["TESTS_PARCEL"] = "TESTS_PARCEL"
    data: ParcelData


def parcel(address="Main Street 1", **data):
    return ParcelMessage(data=ParcelData(address=address, **data))


def found(redis, field, value):
    """The ids that the index has for a value, oldest first."""
    least, most = matching(value)
    members = redis.zrangebylex(keys.index_field("TESTS_PARCEL", field), least, most)
    return [member.decode().rpartition("\n")[2] for member in members]


def entries(redis, message_type="TESTS_PARCEL"):
    return [entry_from(line) for line in redis.lrange(keys.index(message_type), 0, -1)]


def few(jobs):
    return Settings(index_jobs=jobs)


def test_a_job_is_found_by_each_indexed_field(redis):
    mine, other = parcel("Main Street 1", weight=5), parcel("Main Street 10", weight=5)

    for each in (mine, other):
        enqueue(each, connection=redis)

    assert found(redis, "address", "Main Street 1") == [mine.message_id]
    assert found(redis, "weight", 5) == [mine.message_id, other.message_id]
    assert found(redis, "weight", 50) == []


def test_the_list_of_a_type_has_its_newest_jobs_with_time_and_values(redis):
    sent = [parcel(f"Main Street {number}") for number in range(3)]
    before = time.time_ns() // 1_000_000

    enqueue_many(sent, connection=redis)

    listed = entries(redis)
    assert [entry.job_id for entry in listed] == [each.message_id for each in sent]
    assert listed[2].values == {"address": "Main Street 2"}
    assert before - 1_000 < listed[0].time_ms <= listed[2].time_ms < before + 10_000


def test_one_by_one_and_many_write_the_same_index(redis):
    first, second = parcel(weight=1), parcel(weight=1)

    enqueue(first, connection=redis)
    enqueue_many([second], connection=redis)

    one, other = entries(redis)
    assert one.values == other.values
    assert found(redis, "weight", 1) == [first.message_id, second.message_id]


def test_what_is_secret_is_never_indexed(redis):
    enqueue(parcel(pin="1234", extras={"a": 1}), connection=redis)

    assert entries(redis)[0].values == {"address": "Main Street 1"}
    assert [key for key in own_keys(redis) if b"pin" in key or b"token" in key] == []


def test_a_message_that_is_already_there_is_indexed_once(redis):
    mine = parcel()

    for _ in range(2):
        enqueue(mine, connection=redis)
    enqueue_many([mine, mine], connection=redis)

    assert len(entries(redis)) == 1


def test_a_duplicate_by_its_unique_key_is_not_indexed(redis):
    first, second = parcel(), parcel()

    enqueue_many([first, second], connection=redis, unique_key="one")

    assert [entry.job_id for entry in entries(redis)] == [first.message_id]


def test_a_type_without_indexed_fields_has_no_index(redis):
    enqueue(message(), connection=redis)

    assert not redis.exists(keys.index("TEST"))


def test_zero_jobs_switch_the_index_off(redis):
    enqueue(parcel(), connection=redis, settings=few(0))

    assert not redis.exists(keys.index("TESTS_PARCEL"))


def test_a_type_keeps_its_newest_jobs_in_two_halves(redis):
    sent = [parcel(f"Street {number}", weight=1) for number in range(23)]

    for each in sent:
        enqueue(each, connection=redis, settings=few(10))

    ids = [each.message_id for each in sent]
    assert [entry.job_id for entry in entries(redis)] == ids[20:]
    assert found(redis, "weight", 1) == ids[20:]
    older = redis.lrange(keys.older_index("TESTS_PARCEL"), 0, -1)
    assert [entry_from(line).job_id for line in older] == ids[15:20]
    members = redis.zrange(keys.older_index_field("TESTS_PARCEL", "weight"), 0, -1)
    assert [member.decode().rpartition("\n")[2] for member in members] == ids[15:20]
    assert len([key for key in own_keys(redis) if b"index:TESTS_PARCEL" in key]) == 6


def test_a_large_batch_never_makes_the_index_larger_than_its_limit_and_one_call(redis):
    enqueue_many([parcel() for _ in range(1_000)], connection=redis, settings=few(400))

    halves = [keys.index("TESTS_PARCEL"), keys.older_index("TESTS_PARCEL")]
    assert 200 <= sum(redis.llen(half) for half in halves) <= 400
    fields = [f"{half}:address" for half in halves]
    assert sum(redis.zcard(field) for field in fields) == sum(map(redis.llen, halves))


def test_a_field_without_values_in_this_half_does_not_keep_those_of_the_last_but_one(redis):
    for weight in (1, None, None):
        enqueue(parcel(weight=weight), connection=redis, settings=few(2))

    assert found(redis, "weight", 1) == []
    assert not redis.exists(keys.older_index_field("TESTS_PARCEL", "weight"))


def test_an_old_half_is_closed_and_the_index_of_a_silent_type_expires(redis):
    enqueue(parcel("Old Street"), connection=redis)
    key = keys.index("TESTS_PARCEL")
    entry = redis.lindex(key, 0)
    days_ago = str(round((time.time() - 4 * 86_400) * 1_000)).encode()
    redis.lset(key, 0, entry.replace(entry.split()[0], days_ago))

    enqueue(parcel("New Street"), connection=redis, settings=Settings(index_days=7))

    assert found(redis, "address", "Old Street") == []
    assert [entry.values["address"] for entry in entries(redis)] == ["New Street"]
    assert redis.llen(keys.older_index("TESTS_PARCEL")) == 1
    for each in (key, keys.index_field("TESTS_PARCEL", "address")):
        assert 6 * 86_400 < redis.ttl(each) <= 7 * 86_400


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("ada@example.com", "ada@example.com"),
        ("Zoë: 1", "Zoë: 1"),
        (5, "5"),
        (True, "true"),
        (1.5, "1.5"),
        (datetime(2026, 1, 15, tzinfo=UTC), "2026-01-15T00:00:00Z"),
        (None, None),
        ([1, 2], None),
        ({"a": 1}, None),
        ("x" * 100, "x" * 100),
        ("x" * 101, "sha256:" + hashlib.sha256(b"x" * 101).hexdigest()[:32]),
        ("a\nb", "sha256:" + hashlib.sha256(b"a\nb").hexdigest()[:32]),
    ],
)
def test_a_value_is_indexed_as_a_person_would_write_it(value, expected):
    assert indexed_value(value) == expected


def test_long_values_and_those_with_line_breaks_are_found_too(redis):
    for address in ("x" * 500, "first\nsecond", "a:b", "Zoë"):
        mine = parcel(address)
        enqueue(mine, connection=redis)

        assert found(redis, "address", address) == [mine.message_id]


def test_an_entry_without_values_is_read_as_such():
    assert entry_from(b"1700000000000 job-1\n") == IndexEntry(1_700_000_000_000, "job-1", {})


def test_shipped_types_are_found_by_what_people_look_for(redis):
    note = NoteEnrichmentMessage.of("note-1")
    enqueue(note, connection=redis, delay=60)

    least, most = matching("note-1")
    members = redis.zrangebylex(keys.index_field("NOTE_ENRICHMENT", "note_id"), least, most)
    assert members == [f"note-1\n{note.message_id}".encode()]
