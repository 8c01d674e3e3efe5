"""A message as an entry's fields, and back."""

from typing import Any, ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from messages import InvalidMessage, Message, Payload, UnknownMessageType, parse_message
from tests.messages.strategies import quick, valid_messages
from workers.routing import Priority
from workers.streams.wire import envelope_of, fields_of, own_of, shown, value_of

ENTRY = "1700000000123-4"


class OddData(Payload):
    """Fields that are hard to tell apart, or named like those of the envelope."""

    user_id: str
    metadata: int = 5
    either: str | int | None = "x"
    maybe: str | None = None
    shown: str | None = "y"
    numbers: list[int] = Field(default_factory=list)
    free: dict[str, Any] = Field(default_factory=dict)


class ReportData(Payload):
    """Fields that are named like what streams say, and mean something else."""

    job_type: str
    priority: int | None = None


class ReportMessage(Message):
    """Has a job type and a priority of its own."""

    message_type: Literal["REPORT_WIRE"] = "REPORT_WIRE"
    data: ReportData


class OddMessage(Message):
    """Hard to write flat."""

    job_types: ClassVar[tuple[str, ...]] = ("odd", "odder")
    message_type: Literal["ODD_WIRE"] = "ODD_WIRE"
    data: OddData


def flat_of(**fields: str) -> list[bytes]:
    return [part.encode() for pair in fields.items() for part in pair]


def back(flat: list[str]) -> Message:
    return parse_message(envelope_of([part.encode() for part in flat], ENTRY))


@quick
@given(valid_messages())
def test_what_is_read_is_what_was_written(message: Message) -> None:
    assert message == back([*fields_of(message)])


texts = st.text(max_size=10) | st.sampled_from(["5", "null", "true", '"x"', "{}", "[", "", " 1"])


@quick
@given(
    st.fixed_dictionaries(
        {
            "user_id": texts,
            "metadata": st.integers(),
            "either": texts | st.integers() | st.none(),
            "maybe": texts | st.none(),
            "shown": texts | st.none(),
            "numbers": st.lists(st.integers()),
        }
    ),
    texts,
)
def test_text_and_what_looks_like_it_are_told_apart(data: dict[str, Any], user: str) -> None:
    message = OddMessage(data=OddData(**data), user_id=user, metadata={"a": [1, None]})

    assert message == back([*fields_of(message)])


@pytest.mark.parametrize("priority", [*Priority])
@pytest.mark.parametrize("own", [None, 4])
@pytest.mark.parametrize("job_type", ["weekly", "report_wire", "odd"])
def test_a_job_type_and_a_priority_of_the_data_are_no_words_of_the_stream(
    job_type: str, own: int | None, priority: Priority
) -> None:
    message = ReportMessage(data=ReportData(job_type=job_type, priority=own))

    assert message == back([*fields_of(message, priority)])


def test_every_value_is_text_and_the_id_comes_first() -> None:
    message = OddMessage(message_id="job-1", data=OddData(user_id="u", numbers=[1, 2]))
    flat = fields_of(message, Priority.HIGH)

    assert flat[:4] == ["job_id", "job-1", "job_type", "odd"]
    assert all(isinstance(part, str) for part in flat)
    entry = dict(zip(flat[::2], flat[1::2], strict=True))
    assert (
        entry["numbers"],
        entry["data.user_id"],
        entry["data.metadata"],
        entry["priority"],
    ) == ("[1,2]", "u", "5", "high")


def test_a_class_may_go_by_several_names() -> None:
    flat = flat_of(job_type="odder", **{"data.user_id": "u"})

    assert parse_message(envelope_of(flat, ENTRY)).message_type == "ODD_WIRE"


def test_what_an_entry_by_hand_lacks_is_the_id_and_the_time_of_the_entry() -> None:
    message = parse_message(envelope_of(flat_of(job_type="odd", **{"data.user_id": "u"}), ENTRY))

    assert message.message_id == ENTRY
    assert message.timestamp.isoformat() == "2023-11-14T22:13:20.123000+00:00"


def test_an_id_of_an_entry_may_be_larger_than_any_time() -> None:
    flat = flat_of(job_type="odd", **{"data.user_id": "u"})

    assert parse_message(envelope_of(flat, "99999999999999999-0")).timestamp.year == 9999


def refused(flat: list[bytes]) -> InvalidMessage:
    try:
        parse_message(envelope_of(flat, ENTRY))
    except InvalidMessage as error:
        return error
    raise AssertionError


def test_a_missing_field_is_named() -> None:
    assert refused(flat_of(job_type="odd")).field == "data.userId"


def test_an_entry_without_a_type_says_so() -> None:
    assert refused(flat_of(hello="world")).field == "messageType"


def test_an_unknown_type_may_be_known_to_a_newer_release() -> None:
    assert isinstance(refused(flat_of(job_type="not yet")), UnknownMessageType)


def test_json_cannot_break_out_of_its_field() -> None:
    flat = flat_of(job_type="odd", numbers='[1]},"userId":"evil","x":{', **{"data.user_id": "u"})

    assert refused(flat).field == "data.numbers"


def test_bytes_that_are_no_text_are_refused_and_not_changed() -> None:
    flat = [b"job_type", b"odd", b"data.user_id", b"caf\xe9"]

    assert refused(flat).code == "not_json"


def test_what_the_lane_wrote_into_a_successor_is_no_part_of_the_message() -> None:
    message = OddMessage(data=OddData(user_id="u"))
    flat = [part.encode() for part in (*fields_of(message), "postroom", '{"restarts":2}')]

    assert message == parse_message(envelope_of(flat, ENTRY))
    assert own_of(flat) == {"restarts": 2}
    assert own_of([*flat[:-1], b"nonsense"]) == {}
    assert "postroom" not in shown(flat)


def test_people_see_values_and_not_their_text() -> None:
    message = OddMessage(data=OddData(user_id="5", numbers=[1]), metadata={"tenant": "acme"})
    entry = shown([part.encode() for part in fields_of(message)])

    assert (
        entry["data.user_id"],
        entry["numbers"],
        entry["metadata"],
    ) == ("5", [1], {"tenant": "acme"})


def test_one_field_can_be_looked_up() -> None:
    flat = flat_of(job_id="1", job_type="odd")

    assert tuple(value_of(name, flat) for name in (b"job_id", b"job_type", b"x")) == (
        b"1",
        b"odd",
        None,
    )
