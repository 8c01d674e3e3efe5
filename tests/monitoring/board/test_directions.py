"""Nobody's words turn around what the board says itself."""

from monitoring.board.directions import straight
from tests.monitoring.board.conftest import Read
from tests.workers.letters import email
from workers import By, enqueue, pauses

TURN = "\u202e"


def test_what_turns_the_direction_is_spelled_out_in_text_only() -> None:
    field, kept = f"<textarea>{TURN}a</textarea>", f'<input value="{TURN}a">'

    assert straight(f"<p>a{TURN}b</p>{field}{kept}") == f"<p>a\\u202eb</p>{field}{kept}"


def test_a_page_without_such_a_character_is_as_it_was() -> None:
    assert straight("<p>\u200fabc &lt; d</p>") == "<p>\u200fabc &lt; d</p>"


def test_a_reason_does_not_turn_the_sentence_that_quotes_it(read: Read, redis) -> None:
    enqueue(email(), connection=redis)
    pauses.pause("queue", "email", by=By("ann", f"a{TURN}b"), connection=redis)

    assert TURN not in read("/queues/email")
    assert "a\\u202eb" in read("/queues/email")
