import json
from typing import Annotated, Literal

import pytest

from messages import (
    InvalidMessage,
    Message,
    NoteEnrichmentMessage,
    Payload,
    Secret,
    UnknownMessageType,
)
from tests.workers.letters import bury_message, email, letter
from workers import By, InvalidState, audit, dead_letters, enqueue, keys
from workers.dead_letters import DeadLetterNotFound, NotReplayable

BY = By("ada", "the mail server is back")


class TransferData(Payload):
    iban: Annotated[str, Secret]
    amount: int


class TransferMessage(Message):
    message_type: Literal["TESTS_TRANSFER"] = "TESTS_TRANSFER"
    data: TransferData


def replay(redis, job_id, **options):
    return dead_letters.replay(job_id, connection=redis, by=BY, **options)


def job(redis, job_id):
    """A job's envelope, and its other fields."""
    stored = redis.hgetall(keys.job(job_id))
    return json.loads(stored[b"data"])[2][0], {k.decode(): v for k, v in stored.items()}


def test_a_replay_sends_the_message_under_a_new_id_with_its_lineage(redis):
    dead = email(correlation_id="conversation-1", metadata={"tenant": "acme"}, user_id="user-7")
    job_id = bury_message(redis, dead)

    new_id = replay(redis, job_id)

    envelope, record = job(redis, new_id)
    assert new_id != job_id
    assert envelope["messageId"] == new_id
    assert envelope["causationId"] == job_id
    assert envelope["correlationId"] == "conversation-1"
    assert envelope["metadata"] == {"tenant": "acme", "replayOf": job_id}
    assert (envelope["userId"], envelope["data"]["to"]) == ("user-7", "ada-1@example.com")
    assert record["status"] == b"queued"
    assert redis.lrange(keys.queue("email"), 0, -1) == [new_id.encode()]
    assert dead_letters.find(job_id, connection=redis) is None
    assert dead_letters.count(connection=redis) == 0


def test_a_message_without_conversation_begins_one(redis):
    job_id = bury_message(redis, email())

    envelope, _ = job(redis, replay(redis, job_id))

    assert envelope["correlationId"] == job_id


def test_a_replay_can_change_data_and_options(redis):
    job_id = bury_message(redis, email())

    new_id = replay(
        redis,
        job_id,
        data={"to": "grace@example.com", "templateData": {"name": "Grace"}},
        priority="high",
        attempts=7,
        backoff={"type": "fixed", "delay": 5},
        timeout=90,
        queue="mended",
    )

    envelope, record = job(redis, new_id)
    assert envelope["data"]["to"] == "grace@example.com"
    assert envelope["data"]["subject"] == "Hello"
    assert envelope["data"]["templateData"] == {"name": "Grace"}
    assert record["origin"] == b"mended:high"
    assert json.loads(record["meta"]) == {
        "attempts": 7,
        "backoff": {"type": "fixed", "delay": 5.0},
    }
    assert record["timeout"] == b"90"


def test_a_replay_keeps_what_the_sender_chose(redis):
    message = email()
    enqueue(message, timeout=77, connection=redis)
    bury_message(redis, message, queue="email:low", attempts=5)
    redis.delete(keys.job(message.message_id))

    _, record = job(redis, replay(redis, message.message_id))

    assert (record["origin"], record["timeout"]) == (b"email:low", b"77")
    assert json.loads(record["meta"]) == {"attempts": 5}


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"colour": "red"}, "data.colour"),
        ({"to": "nobody"}, "data.to"),
        ({"to": None}, "data.to"),
        ({"templateData": 3}, "data.templateData"),
    ],
)
def test_data_that_does_not_fit_is_named_and_nothing_changes(redis, data, field):
    job_id = bury_message(redis, email())
    before = redis.get(keys.dead_letter(job_id))

    with pytest.raises(InvalidMessage) as refused:
        replay(redis, job_id, data=data)

    assert refused.value.field == field
    assert redis.get(keys.dead_letter(job_id)) == before
    assert not redis.exists(keys.queue("email"))
    assert audit.entries(connection=redis) == []


@pytest.mark.parametrize("envelope", [None, "\x80\x04rubbish", [1, 2], {}, {"data": {}}])
def test_what_holds_no_message_is_refused_with_a_remedy(redis, envelope):
    dead_letters.bury(letter("odd", envelope=envelope), meta={}, connection=redis)

    with pytest.raises(NotReplayable, match="postroom dead-letters show"):
        replay(redis, "odd")

    assert dead_letters.find("odd", connection=redis)


def test_a_type_that_is_not_known_here_is_refused(redis):
    envelope = {"messageType": "FROM_TOMORROW", "data": {}}
    dead_letters.bury(letter("odd", envelope=envelope), meta={}, connection=redis)

    with pytest.raises(UnknownMessageType):
        replay(redis, "odd")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "x"}, "name"),
        ({"schemaVersion": 9}, "schemaVersion"),
        ({"metadata": 3}, "metadata"),
    ],
)
def test_an_envelope_that_a_replay_would_not_keep_whole_is_refused(redis, change, field):
    envelope = email().model_dump(mode="json", by_alias=True) | change
    dead_letters.bury(letter("odd", envelope=envelope), meta={}, connection=redis)

    with pytest.raises(InvalidMessage) as refused:
        replay(redis, "odd")

    assert refused.value.field == field


def test_a_version_that_has_passed_is_replayed_only_if_somebody_mended_it(redis, monkeypatch):
    job_id = bury_message(redis, NoteEnrichmentMessage.of("note-1"), queue="notes")
    monkeypatch.setattr(NoteEnrichmentMessage, "version", 2)
    monkeypatch.setattr(NoteEnrichmentMessage.model_fields["schema_version"], "default", 2)
    NoteEnrichmentMessage.model_rebuild(force=True)
    try:
        with pytest.raises(InvalidMessage) as refused:
            replay(redis, job_id)
        new_id = replay(redis, job_id, data={"noteId": "note-2"})
    finally:
        monkeypatch.undo()
        NoteEnrichmentMessage.model_rebuild(force=True)

    assert refused.value.code == "no_upcaster"
    assert job(redis, new_id)[0]["schemaVersion"] == 2


def test_a_letter_is_replayed_once(redis):
    job_id = bury_message(redis, email())
    replay(redis, job_id)

    with pytest.raises(DeadLetterNotFound):
        replay(redis, job_id)

    assert redis.llen(keys.queue("email")) == 1


def test_a_job_that_rq_requeued_is_not_replayed_beside_it(redis):
    message = email()
    enqueue(message, connection=redis)
    bury_message(redis, message)

    with pytest.raises(InvalidState, match="requeued"):
        replay(redis, message.message_id)

    assert redis.llen(keys.queue("email")) == 1


def test_the_dead_jobs_record_says_what_it_was_replayed_as(redis):
    message = email()
    enqueue(message, connection=redis)
    redis.hset(keys.job(message.message_id), "status", "failed")
    bury_message(redis, message)

    new_id = replay(redis, message.message_id)

    assert redis.hget(keys.job(message.message_id), "replayed_as").decode() == new_id


def test_an_edit_is_checked_stored_and_shown_as_a_difference(redis):
    job_id = bury_message(redis, email())

    changes = dead_letters.edit(
        job_id, {"to": "grace@example.com", "templateData": {"n": 1}}, connection=redis, by=BY
    )

    assert [(each.field, each.before, each.after) for each in changes] == [
        ("data.templateData.n", None, 1),
        ("data.to", "ada-1@example.com", "grace@example.com"),
    ]
    found = dead_letters.find(job_id, connection=redis)
    assert found.envelope["data"]["to"] == "grace@example.com"
    assert (found.edits[0]["actor"], found.edits[0]["reason"]) == (BY.actor, BY.reason)
    assert found.edits[0]["changes"][1]["after"] == "grace@example.com"
    assert dead_letters.page(connection=redis).letters[0].edits == 1
    assert job(redis, replay(redis, job_id))[0]["data"]["to"] == "grace@example.com"


def test_an_edit_that_does_not_fit_or_changes_nothing_stores_nothing(redis):
    job_id = bury_message(redis, email())
    before = redis.get(keys.dead_letter(job_id))

    with pytest.raises(InvalidMessage, match="colour"):
        dead_letters.edit(job_id, {"colour": "red"}, connection=redis, by=BY)
    assert dead_letters.edit(job_id, {"subject": "Hello"}, connection=redis, by=BY) == []

    assert redis.get(keys.dead_letter(job_id)) == before
    assert audit.entries(connection=redis) == []


def test_secrets_are_sent_and_never_shown(redis):
    transfer = TransferMessage(data=TransferData(iban="DE02-first", amount=3))
    job_id = bury_message(redis, transfer, queue="default")

    changes = dead_letters.edit(
        job_id, {"iban": "DE02-second", "amount": 4}, connection=redis, by=BY
    )
    found = dead_letters.find(job_id, connection=redis)
    new_id = replay(redis, job_id)

    shown = json.dumps(dead_letters.as_shown(found))
    assert [(each.field, each.before, each.after) for each in changes] == [
        ("data.amount", 3, 4),
        ("data.iban", "***", "***"),
    ]
    assert '"iban": "***"' in shown
    assert "DE02" not in shown + str(found.edits) + str(audit.entries(connection=redis))
    assert job(redis, new_id)[0]["data"]["iban"] == "DE02-second"


def test_each_action_leaves_one_line_in_the_audit_log(redis):
    first, second = (bury_message(redis, email(number)) for number in (1, 2))
    dead_letters.edit(first, {"subject": "Hi"}, connection=redis, by=BY)
    new_id = replay(redis, first, data={"to": "grace@example.com"})
    dead_letters.purge(second, connection=redis, by=BY)

    told = audit.entries(connection=redis)

    assert [(entry.action, entry.target) for entry in told] == [
        ("dead_letter.purge", second),
        ("dead_letter.replay", first),
        ("dead_letter.edit", first),
    ]
    assert told[1].details == {"messageType": "EMAIL", "newJobId": new_id, "fields": ["data.to"]}
    assert "grace@example.com" not in str(told)


@pytest.mark.parametrize("action", ["replay", "purge", "edit"])
def test_nobody_acts_without_a_reason(redis, action):
    job_id = bury_message(redis, email())
    data = {"data": {"subject": "Hi"}} if action == "edit" else {}

    with pytest.raises(ValueError, match="reason"):
        getattr(dead_letters, action)(job_id, by=By("ada", " "), connection=redis, **data)

    assert dead_letters.find(job_id, connection=redis).edits in ((), [])
