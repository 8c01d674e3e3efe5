import logging

import pytest

from workers import By, InvalidOption, audit, keys


def record(redis, **given):
    facts = {"actor": "ann", "reason": "a fire", "target": "email", **given}
    by = By(facts.pop("actor"), facts.pop("reason"))
    by.record("queue.pause", **facts, connection=redis)


def test_what_was_done_is_read_newest_first(redis, now):
    record(redis, target="one", now=now)
    record(redis, target="two", now=now, details={"count": 3})

    assert audit.entries(connection=redis) == [
        audit.AuditEntry(
            "queue.pause", "ann", "a fire", target, "2026-01-15T12:00:00+00:00", details
        )
        for target, details in (("two", {"count": 3}), ("one", {}))
    ]


def test_only_as_many_are_read_as_were_asked_for(redis):
    for _ in range(3):
        record(redis)

    assert len(audit.entries(2, connection=redis)) == 2


def test_it_keeps_the_newest_ten_thousand(redis):
    with redis.pipeline(transaction=False) as pipe:
        for number in range(audit.KEPT + 5):
            record(pipe, target=str(number))
        pipe.execute()

    assert redis.xlen(keys.audit()) == audit.KEPT
    assert audit.entries(1, connection=redis)[0].target == str(audit.KEPT + 4)


@pytest.mark.parametrize("field", ["actor", "reason", "target"])
@pytest.mark.parametrize("text", ["", "  ", "x" * 501])
def test_a_text_that_says_nothing_or_too_much_is_refused(redis, field, text):
    with pytest.raises(InvalidOption) as refused:
        record(redis, **{field: text})

    assert refused.value.field == field
    assert refused.value.remedy
    assert not redis.exists(keys.audit())


def test_details_are_no_place_for_a_payload(redis):
    with pytest.raises(InvalidOption):
        record(redis, details={"payload": "x" * 8_000})


def test_it_is_one_line_of_the_log(redis, caplog):
    with caplog.at_level(logging.INFO, logger="postroom.audit"):
        record(redis, details={"count": 1})

    (line,) = [each.msg for each in caplog.records]
    told = {name: line[name] for name in ("event", "action", "actor", "reason", "target")}
    assert told == {
        "event": "operator_acted",
        "action": "queue.pause",
        "actor": "ann",
        "reason": "a fire",
        "target": "email",
    }
    assert line["details"] == {"count": 1}
