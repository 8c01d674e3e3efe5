import pytest
from sqlalchemy import select

from handlers.parts.database import snapshot
from handlers.parts.tables import InboxEntry
from messages import NotificationMessage
from tests.handlers.conftest import Setting
from tests.handlers.servers import Answer, TextService, free_port
from workers import enqueue
from workers.testing import Postroom

pytest_plugins = ["workers.testing"]

# Apprise loads all its plugins at once, and one of them imports a module that Python 3.13 drops.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


def _message() -> NotificationMessage:
    return NotificationMessage.of("user-123", "Done!", "Well done", "success", "/workouts")


def _inbox() -> list[InboxEntry]:
    with snapshot() as session:
        return list(session.scalars(select(InboxEntry)))


@pytest.mark.usefixtures("any_database")
def test_a_notification_lies_in_the_inbox(postroom: Postroom) -> None:
    message = _message()

    result = postroom.run(message)

    [entry] = _inbox()
    assert result == {
        "inboxId": message.message_id,
        "recipientId": "user-123",
        "pushTargets": 0,
    }
    assert (entry.recipient_id, entry.title, entry.message) == ("user-123", "Done!", "Well done")
    assert (entry.type, entry.action_url) == ("success", "/workouts")


def test_it_is_pushed_to_each_address(
    postroom: Postroom, text_service: TextService, setting: Setting
) -> None:
    setting("NOTIFY_URLS", f"json://{text_service.origin}/a,json://{text_service.origin}/b")

    result = postroom.run(_message())

    assert result["pushTargets"] == 2
    assert [request["title"] for request in text_service.requests] == ["Done!", "Done!"]
    assert text_service.requests[0]["message"] == "Well done\n/workouts"
    assert text_service.requests[0]["type"] == "success"


def test_an_address_that_refused_is_tried_again_alone(
    postroom: Postroom, text_service: TextService, setting: Setting
) -> None:
    setting("NOTIFY_URLS", f"json://{text_service.origin}/a,json://{text_service.origin}/b")
    text_service.answers = [Answer(200), Answer(500), Answer(200)]
    job = enqueue(_message())

    postroom.drain()
    postroom.assert_retried(job, delay="2s", match="json:// service did not take")
    postroom.advance("2s")

    assert postroom.assert_completed(job)["pushTargets"] == 2
    assert len(text_service.requests) == 3
    assert len(_inbox()) == 1


def test_a_service_that_is_down_leaves_the_entry_in_the_inbox(
    postroom: Postroom, setting: Setting
) -> None:
    setting("NOTIFY_URLS", f"json://user:hidden@127.0.0.1:{free_port()}/")

    job = enqueue(_message())
    [run] = postroom.drain()

    postroom.assert_retried(job, delay="2s", match="did not take the notification")
    assert len(_inbox()) == 1
    assert "hidden" not in run.error + run.traceback


def test_an_address_that_is_none_is_a_permanent_error(postroom: Postroom, setting: Setting) -> None:
    setting("NOTIFY_URLS", "nosuch://user:hidden@host")

    job = enqueue(_message())
    postroom.drain()

    letter = postroom.assert_buried(
        job, reason="permanent", match="nosuch:// address that is not valid"
    )
    assert "hidden" not in letter.error + letter.traceback
