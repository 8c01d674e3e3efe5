import signal

import pytest

from handlers.parts.database import snapshot
from handlers.parts.tables import Note, ProcessingStatus
from messages import NoteEnrichmentMessage
from tests.handlers.conftest import Setting
from tests.handlers.servers import Answer, TextService, free_port
from workers import Dead, RetryAfter, enqueue
from workers.testing import Postroom

pytest_plugins = ["workers.testing"]

REPLY = {"title": "Leg day", "markdown": "# Leg day\n\n* squats"}


def _note(note_id: str = "note-1") -> Note:
    with snapshot() as session:
        return session.get_one(Note, note_id)


@pytest.mark.usefixtures("any_database", "sample")
def test_without_a_service_a_note_gets_a_title_and_clean_markdown(postroom: Postroom) -> None:
    original = _note("note-2").text

    result = postroom.run(NoteEnrichmentMessage.of("note-2"))

    note = _note("note-2")
    assert note.markdown == ("# PLAN\n\n- run tue\n- swim thu\n   - bring goggles\n1. book pool")
    assert note.text == original
    assert note.status is ProcessingStatus.COMPLETED
    assert result == {"noteId": "note-2", "title": "PLAN", "characters": len(note.markdown)}
    assert note.title == "PLAN"


@pytest.mark.usefixtures("any_database", "sample")
def test_a_note_that_does_not_exist_is_a_permanent_error_that_names_it(postroom: Postroom) -> None:
    job = enqueue(NoteEnrichmentMessage.of("note-99"))
    postroom.drain()

    postroom.assert_buried(job, reason="permanent", match="There is no note 'note-99'")


@pytest.mark.usefixtures("sample")
def test_the_service_is_asked_with_key_and_model_and_its_answer_is_stored(
    postroom: Postroom, text_service: TextService, setting: Setting
) -> None:
    setting("ROBO_API_KEY", "key-1")
    setting("ROBO_MODEL", "model-1")
    text_service.answers = [Answer(content=REPLY)]

    postroom.run(NoteEnrichmentMessage.of("note-1"))

    [request] = text_service.requests
    assert request["model"] == "model-1"
    assert request["messages"][1]["content"] == _note().text
    assert text_service.headers[0]["Authorization"] == "Bearer key-1"
    assert (_note().title, _note().markdown) == ("Leg day", "# Leg day\n\n- squats")


@pytest.mark.usefixtures("any_database", "sample")
def test_a_service_that_answers_429_then_500_then_200_is_asked_three_times_and_obeyed(
    postroom: Postroom,
    text_service: TextService,
) -> None:
    text_service.answers = [
        Answer(429, headers={"Retry-After": "7"}),
        Answer(500),
        Answer(content=REPLY),
    ]
    message = NoteEnrichmentMessage.of("note-1")
    statuses = [_note().status]

    enqueue(message)
    postroom.drain()
    postroom.assert_retried(message, times=1, delay="7s", match="answered 429")
    statuses.append(_note().status)
    postroom.advance("7s")
    postroom.assert_retried(message, times=2, delay="4s", match="answered 500")
    postroom.advance("4s")
    postroom.assert_completed(message)
    statuses.append(_note().status)

    assert statuses == ["PENDING", "PROCESSING", "COMPLETED"]
    assert len(text_service.requests) == 3


@pytest.mark.usefixtures("sample")
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(503, headers={"Retry-After": "1"}), RetryAfter),
        (Answer(408), RetryAfter),
        (Answer(400), Dead),
        (Answer(401), Dead),
        (Answer(content="no JSON"), RetryAfter),
        (Answer(content={"title": "only"}), RetryAfter),
        (Answer(content={"title": "", "markdown": " "}), RetryAfter),
        (Answer(content={"title": 1, "markdown": 2}), RetryAfter),
        (Answer(body="{}"), RetryAfter),
        (Answer(body="<html>"), RetryAfter),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_a_service_can_answer_is_worth_another_try_or_not(
    postroom: Postroom, text_service: TextService, answer: Answer, expected: type[RetryAfter | Dead]
) -> None:
    text_service.answers = [answer]

    outcome = postroom.perform(NoteEnrichmentMessage.of("note-1"))

    assert isinstance(outcome, expected)
    assert "text service" in str(outcome.error)
    assert _note().status is ProcessingStatus.PROCESSING


@pytest.mark.usefixtures("sample")
def test_a_service_that_is_silent_is_left_after_the_timeout(
    postroom: Postroom, text_service: TextService, setting: Setting
) -> None:
    text_service.seconds = 0.5
    setting("ROBO_TIMEOUT", 0.1)

    job = enqueue(NoteEnrichmentMessage.of("note-1"))
    postroom.drain()

    postroom.assert_retried(job, delay="2s", match="does not answer")


class _JobTimeoutError(Exception):
    pass


@pytest.mark.usefixtures("sample")
def test_a_job_that_times_out_while_the_service_is_silent_says_so_itself(
    postroom: Postroom,
    text_service: TextService,
) -> None:
    def interrupt(*_: object) -> None:
        raise _JobTimeoutError

    text_service.seconds = 0.5
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)

    outcome = postroom.perform(NoteEnrichmentMessage.of("note-1"))

    signal.signal(signal.SIGALRM, before)
    assert isinstance(outcome, RetryAfter)
    assert isinstance(outcome.error, _JobTimeoutError)


@pytest.mark.usefixtures("sample")
def test_a_service_that_is_not_there_is_worth_waiting_for(
    postroom: Postroom, setting: Setting
) -> None:
    setting("ROBO_BASE_URL", f"http://127.0.0.1:{free_port()}/v1")

    job = enqueue(NoteEnrichmentMessage.of("note-1"))
    postroom.drain()

    postroom.assert_retried(job, delay="2s", match="does not answer")


@pytest.mark.usefixtures("sample")
def test_a_services_long_title_is_cut_and_its_fence_around_json_is_removed(
    postroom: Postroom,
    text_service: TextService,
) -> None:
    long = "A title that goes on and on and does not know where it should end"
    text_service.answers = [Answer(content=f'```json\n{{"title": "{long}", "markdown": "x"}}\n```')]

    postroom.run(NoteEnrichmentMessage.of("note-1"))

    assert _note().title == "A title that goes on and on and does not know…"


@pytest.mark.usefixtures("sample")
def test_a_note_that_was_enriched_is_not_sent_to_the_service_again(
    postroom: Postroom,
    text_service: TextService,
) -> None:
    text_service.answers = [Answer(content=REPLY)]
    message = NoteEnrichmentMessage.of("note-1")

    postroom.run(message)
    postroom.deliver_again(message)

    assert len(text_service.requests) == 1
