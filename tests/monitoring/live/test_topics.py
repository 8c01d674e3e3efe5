"""What is published: whole states, differences, and the last events again."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from monitoring.errors import InvalidQuery
from monitoring.live import sse
from monitoring.live.topics import MANY_QUEUES, REMEMBERED, Topic, difference


def state(time: int, **waiting: int) -> dict[str, Any]:
    rows = [{"queueName": name, "waiting": count} for name, count in waiting.items()]
    return {"timestamp": str(time), "queues": rows, "totals": sum(waiting.values())}


def many(time: int = 0, **changed: int) -> dict[str, Any]:
    return state(time, **{f"q{number}": 0 for number in range(MANY_QUEUES + 1)} | changed)


def read(frames: bytes) -> list[tuple[str, Any]]:
    """The ids and data of events, by the rules of the standard."""
    found = []
    for block in frames.decode().split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        found.append((fields.get("id", ""), json.loads(fields["data"])))
    return found


def test_who_is_up_to_date_has_missed_nothing() -> None:
    topic = Topic("e")
    topic.publish(1, state(1, a=1))

    assert topic.since("e-1") == b""


def test_of_what_was_missed_each_event_comes_once_and_in_order() -> None:
    topic = Topic("e")
    for number in range(1, 6):
        topic.publish(number, state(number, a=number))

    missed = read(topic.since("e-2") or b"")

    assert [number for number, _ in missed] == ["e-3", "e-4", "e-5"]
    assert [each["totals"] for _, each in missed] == [3, 4, 5]


def test_what_was_forgotten_or_told_by_another_process_needs_the_whole() -> None:
    topic = Topic("e")
    for number in range(1, REMEMBERED + 2):
        topic.publish(number, state(number, a=1))

    assert topic.since("e-1") is None
    assert topic.since("e-2") is not None
    assert topic.since("f-2") is None
    assert topic.since("") is None


def test_time_alone_is_no_change() -> None:
    topic = Topic("e")

    told = [topic.publish(n, each) for n, each in enumerate([many(1), many(2), many(3, q1=1)])]

    assert told == [True, False, True]


def test_few_queues_are_always_sent_whole() -> None:
    assert difference(state(1, a=1, b=2), state(2, a=1, b=3)) == state(2, a=1, b=3)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from([f"n{number}" for number in range(8)]), st.integers(0, 2), max_size=8
        ),
        min_size=1,
        max_size=6,
    )
)
def test_whoever_puts_differences_together_has_the_state(changes: list[dict[str, int]]) -> None:
    topic, rows = Topic("e"), {}
    for number, each in enumerate(changes):
        now = many(number, **each)
        topic.publish(number, now)
        ((_, shown),) = read(topic.newest)
        rows |= {row["queueName"]: row for row in shown["queues"]}
        for gone in shown.get("removed", ()):
            del rows[gone]

        assert rows == {row["queueName"]: row for row in now["queues"]}
        assert {**shown, "queues": 0} == {**now, "queues": 0} | (
            {"partial": True, "removed": shown["removed"]} if "partial" in shown else {}
        )


def test_an_event_is_one_line_of_json_whatever_is_in_it() -> None:
    told = {"text": "a\nb\r\nc\u2028d\udcff", "data": "data: x\n\nid: 7"}
    frame = sse.event(told, name="n", number="e-1")

    assert frame.count(b"\n") == 4
    assert frame.count(b"\r") == 0
    assert frame.startswith(b"id: e-1\nevent: n\ndata: {")
    assert json.loads(frame.split(b"data: ", 1)[1])["data"] == told["data"]


def test_an_error_is_told_with_its_four_parts() -> None:
    frame = sse.refusal_event("end", InvalidQuery("No.", field="f", remedy="r"))
    ((number, told),) = read(frame)

    assert number == ""
    assert told == {
        "error": {"code": "invalid_query", "field": "f", "message": "No.", "remedy": "r"}
    }
