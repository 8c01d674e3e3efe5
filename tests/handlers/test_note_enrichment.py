import signal
from datetime import timedelta

import pytest

from handlers.parts.database import snapshot
from handlers.parts.tables import Note, ProcessingStatus
from messages import NoteEnrichmentMessage
from tests.handlers.conftest import Setting
from tests.handlers.run import run_message
from tests.handlers.servers import Answer, TextService, free_port
from workers import PermanentError, ResourceUnavailable

REPLY = {"title": "Leg day", "markdown": "# Leg day\n\n* squats"}


def _note(note_id: str = "note-1") -> Note:
    with snapshot() as session:
        return session.get_one(Note, note_id)


@pytest.mark.usefixtures("any_database", "sample")
def test_without_a_service_a_note_gets_a_title_and_clean_markdown() -> None:
    original = _note("note-2").text

    result = run_message(NoteEnrichmentMessage.of("note-2"))

    note = _note("note-2")
    assert note.markdown == ("# PLAN\n\n- run tue\n- swim thu\n   - bring goggles\n1. book pool")
    assert note.text == original
    assert note.status is ProcessingStatus.COMPLETED
    assert result == {"noteId": "note-2", "title": "PLAN", "characters": len(note.markdown)}
    assert note.title == "PLAN"


@pytest.mark.usefixtures("any_database", "sample")
def test_a_note_that_does_not_exist_is_a_permanent_error_that_names_it() -> None:
    with pytest.raises(PermanentError, match="There is no note 'note-99'"):
        run_message(NoteEnrichmentMessage.of("note-99"))


@pytest.mark.usefixtures("sample")
def test_the_service_is_asked_with_key_and_model_and_its_answer_is_stored(
    text_service: TextService, setting: Setting
) -> None:
    setting("ROBO_API_KEY", "key-1")
    setting("ROBO_MODEL", "model-1")
    text_service.answers = [Answer(content=REPLY)]

    run_message(NoteEnrichmentMessage.of("note-1"))

    [request] = text_service.requests
    assert request["model"] == "model-1"
    assert request["messages"][1]["content"] == _note().text
    assert text_service.headers[0]["Authorization"] == "Bearer key-1"
    assert (_note().title, _note().markdown) == ("Leg day", "# Leg day\n\n- squats")


@pytest.mark.usefixtures("any_database", "sample")
def test_a_service_that_answers_429_then_500_then_200_is_asked_three_times_and_obeyed(
    text_service: TextService,
) -> None:
    text_service.answers = [
        Answer(429, headers={"Retry-After": "7"}),
        Answer(500),
        Answer(content=REPLY),
    ]
    message = NoteEnrichmentMessage.of("note-1")
    statuses = [_note().status]

    with pytest.raises(ResourceUnavailable, match="answered 429") as busy:
        run_message(message)
    statuses.append(_note().status)
    with pytest.raises(ResourceUnavailable, match="answered 500") as broken:
        run_message(message)
    run_message(message)
    statuses.append(_note().status)

    assert busy.value.retry_after == timedelta(seconds=7)
    assert broken.value.retry_after is None
    assert statuses == ["PENDING", "PROCESSING", "COMPLETED"]
    assert len(text_service.requests) == 3


@pytest.mark.usefixtures("sample")
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(503, headers={"Retry-After": "1"}), ResourceUnavailable),
        (Answer(408), ResourceUnavailable),
        (Answer(400), PermanentError),
        (Answer(401), PermanentError),
        (Answer(content="no JSON"), ResourceUnavailable),
        (Answer(content={"title": "only"}), ResourceUnavailable),
        (Answer(content={"title": "", "markdown": " "}), ResourceUnavailable),
        (Answer(content={"title": 1, "markdown": 2}), ResourceUnavailable),
        (Answer(body="{}"), ResourceUnavailable),
        (Answer(body="<html>"), ResourceUnavailable),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_a_service_can_answer_is_worth_another_try_or_not(
    text_service: TextService, answer: Answer, error: type[Exception]
) -> None:
    text_service.answers = [answer]

    with pytest.raises(error, match="text service"):
        run_message(NoteEnrichmentMessage.of("note-1"))

    assert _note().status is ProcessingStatus.PROCESSING


@pytest.mark.usefixtures("sample")
def test_a_service_that_is_silent_is_left_after_the_timeout(
    text_service: TextService, setting: Setting
) -> None:
    text_service.seconds = 0.5
    setting("ROBO_TIMEOUT", 0.1)

    with pytest.raises(ResourceUnavailable, match="does not answer"):
        run_message(NoteEnrichmentMessage.of("note-1"))


class _JobTimeoutError(Exception):
    pass


@pytest.mark.usefixtures("sample")
def test_a_job_that_times_out_while_the_service_is_silent_says_so_itself(
    text_service: TextService,
) -> None:
    def interrupt(*_: object) -> None:
        raise _JobTimeoutError

    text_service.seconds = 0.5
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)

    with pytest.raises(_JobTimeoutError):
        run_message(NoteEnrichmentMessage.of("note-1"))

    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("sample")
def test_a_service_that_is_not_there_is_worth_waiting_for(setting: Setting) -> None:
    setting("ROBO_BASE_URL", f"http://127.0.0.1:{free_port()}/v1")

    with pytest.raises(ResourceUnavailable, match="does not answer"):
        run_message(NoteEnrichmentMessage.of("note-1"))


@pytest.mark.usefixtures("sample")
def test_a_services_long_title_is_cut_and_its_fence_around_json_is_removed(
    text_service: TextService,
) -> None:
    long = "A title that goes on and on and does not know where it should end"
    text_service.answers = [Answer(content=f'```json\n{{"title": "{long}", "markdown": "x"}}\n```')]

    run_message(NoteEnrichmentMessage.of("note-1"))

    assert _note().title == "A title that goes on and on and does not know…"


@pytest.mark.usefixtures("sample")
def test_a_note_that_was_enriched_is_not_sent_to_the_service_again(
    text_service: TextService,
) -> None:
    text_service.answers = [Answer(content=REPLY)]
    message = NoteEnrichmentMessage.of("note-1")

    run_message(message)
    run_message(message)

    assert len(text_service.requests) == 1
