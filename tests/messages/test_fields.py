"""Markers: they stand beside a value and are found by those who care for them."""

from typing import Annotated, Any

import pytest
from pydantic import Field

from messages import Indexed, LogField, Payload, Secret, message_class
from messages.fields import marked_fields, marked_values


class OrderData(Payload):
    order_id: Annotated[str, Field(min_length=1), Indexed, LogField]
    card_number: Annotated[str, Secret]
    coupon: Annotated[str | None, Indexed, Secret] = None
    comment: str = ""


def test_each_marker_finds_its_own_fields() -> None:
    assert marked_fields(OrderData, Indexed) == ("order_id", "coupon")
    assert marked_fields(OrderData, LogField) == ("order_id",)
    assert marked_fields(OrderData, Secret) == ("card_number", "coupon")


def test_a_payload_without_markers_has_no_marked_fields() -> None:
    class Plain(Payload):
        name: str

    assert marked_fields(Plain, Indexed) == ()


def test_marked_values_leave_out_what_is_none() -> None:
    order = OrderData(order_id="o-1", card_number="4111")

    assert marked_values(order, Indexed) == {"order_id": "o-1"}
    assert marked_values(order, Secret) == {"card_number": "4111"}


def test_a_marker_changes_nothing_about_the_value() -> None:
    order = OrderData(order_id="o-1", card_number="4111")

    assert order.model_dump() == {
        "orderId": "o-1",
        "cardNumber": "4111",
        "comment": "",
    }
    assert order.coupon is None


@pytest.mark.parametrize(
    ("kind", "logged", "indexed"),
    [
        ("TEST", (), ()),
        (
            "WORKOUT_UPDATE",
            ("exercise_plan_id", "exercise_id"),
            ("exercise_plan_id", "exercise_id"),
        ),
        ("USER_ACTION", ("entity_id",), ("entity_id",)),
        ("NOTIFICATION", ("recipient_id",), ("recipient_id",)),
        ("EMAIL", (), ("to",)),
        ("DATA_SYNC", ("entity_type",), ("entity_type",)),
        ("NOTE_ENRICHMENT", ("note_id",), ("note_id",)),
        ("ACTIVITY_SCHEMA", ("activity_id",), ("activity_id",)),
        ("MESSAGE_SCAN", ("guild_id", "channel_id"), ("guild_id", "channel_id")),
        ("THUMBNAIL_RETRY", ("guild_id", "channel_id"), ("guild_id", "channel_id")),
        ("BUILD", ("repository",), ("repository",)),
    ],
)
def test_shipped_types_mark_the_ids_people_look_for(kind: str, logged: Any, indexed: Any) -> None:
    data = message_class(kind).model_fields["data"].annotation

    assert marked_fields(data, LogField) == logged
    assert marked_fields(data, Indexed) == indexed
    assert marked_fields(data, Secret) == ()
