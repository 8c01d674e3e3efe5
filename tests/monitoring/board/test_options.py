"""What the palette offers, and in which order."""

from typing import Any

import pytest
from redis import Redis

from monitoring.board.options import Known, Option, options_for
from monitoring.board.standing import Standing, read_standing
from tests.workers.letters import email
from workers import enqueue, load_settings, pauses
from workers.audit import By

TYPES = ("DATA_SYNC", "EMAIL", "TEST")
GROUP = {
    "fingerprint": "0123456789ab",
    "messageType": "EMAIL",
    "errorType": "SMTPConnectError",
    "message": "refused",
    "count": 212,
}
JOB = {"jobId": "01ab-1", "messageType": "EMAIL", "state": "waiting", "status": "queued"}


def told(options: Any) -> list[str]:
    return [" ".join(f"{each.text} {each.name}{each.more}".split()) for each in options]


@pytest.fixture
def standing(redis: Redis) -> Standing:
    enqueue(email(1), connection=redis)
    enqueue(email(2), queue="sync", connection=redis)
    pauses.pause("queue", "sync", by=By("anna", "a test"), connection=redis)
    return read_standing(connection=redis, settings=load_settings(), rules=(), root="/in")


@pytest.fixture
def known(standing: Standing) -> Known:
    streams = ("jobs:guild:7:email_scan",)
    return Known(standing, [GROUP], streams, TYPES, may_act=True, root="/in")


def test_actions_stand_before_groups_queues_streams_and_types(known: Known) -> None:
    found = options_for("email", known)

    assert told(found) == [
        "Pause message type EMAIL…",
        "Pause queue email…",
        "Send one EMAIL",
        "Failure group EMAILSMTPConnectError refused",
        "Queue email",
        "Stream jobs:guild:7:email_scan",
        "Message type EMAIL",
        "Search jobs for email",
    ]
    assert [each.kind for each in found[3:5]] == ["212 failures", "1 waiting"]


def test_an_action_opens_its_dialog_and_all_else_a_page(known: Known) -> None:
    pause, *_, search = options_for("pause type email", known)

    assert (pause.url, pause.opens) == ("/in/board/dialogs/pause?kind=type&name=EMAIL", True)
    assert (search.url, search.opens) == ("/in/jobs?q=pause+type+email", False)


def test_what_is_paused_can_be_resumed_and_not_paused_again(known: Known) -> None:
    assert told(options_for("sync queue", known))[:1] == ["Resume queue sync…"]
    assert "Pause queue sync…" not in told(options_for("sync queue", known))


def test_who_may_not_act_is_offered_no_action(standing: Standing) -> None:
    known = Known(standing, types=TYPES)

    assert {each.opens for each in options_for("email", known)} == {False}


def test_a_job_whose_id_was_typed_comes_first(known: Known) -> None:
    first, *_ = options_for("01ab", Known(known.standing, jobs=[JOB], root="/in"))

    assert first == Option("jobs", "Job EMAIL", "01ab-1", "waiting", "/in/jobs/01ab-1")


def test_all_words_must_fit_in_any_order_and_in_any_case(known: Known) -> None:
    assert told(options_for("SMTP group", known))[0].startswith("Failure group")
    assert told(options_for("smtp nobody", known)) == ["Search jobs for smtp nobody"]


def test_without_a_word_it_is_what_needs_a_person_and_the_places(known: Known) -> None:
    found = options_for(" ", known)

    assert "Resume…" in {each.kind for each in found if each.icon == "bell"}
    assert "Go to Jobs" in told(found)
    assert len({each.url for each in found}) == len(found)


def test_who_may_see_one_tenant_only_is_led_to_jobs_alone() -> None:
    assert told(options_for("", Known())) == ["Go to Jobs"]
    assert told(options_for("jobs", Known())) == ["Go to Jobs", "Search jobs for jobs"]


def test_a_name_with_signs_is_quoted_in_its_address(known: Known) -> None:
    group = {**GROUP, "messageType": "A&B"}
    (search,) = options_for("a&b #1", Known(known.standing, [group]))

    assert search.url == "/jobs?q=a%26b+%231"
