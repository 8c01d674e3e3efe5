from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from handlers.parts.database import snapshot
from handlers.parts.tables import LoggedAction
from messages import UserActionData, UserActionMessage
from workers.testing import Postroom

pytest_plugins = ["workers.testing"]

pytestmark = pytest.mark.usefixtures("any_database")


def _log() -> list[LoggedAction]:
    with snapshot() as session:
        return list(session.scalars(select(LoggedAction)))


def test_an_action_is_appended_with_the_time_at_which_it_was_done(postroom: Postroom) -> None:
    done_at = datetime(2026, 3, 1, 7, 30, tzinfo=UTC)
    data = UserActionData(
        action="finished", entity_type="session", entity_id="s-1", payload={"feeling": ["good", 1]}
    )
    message = UserActionMessage(data=data, user_id="user-123", timestamp=done_at)

    result = postroom.run(message)

    [entry] = _log()
    assert result == {"entryId": message.message_id, "action": "finished"}
    assert (entry.user_id, entry.entity_type, entry.entity_id) == ("user-123", "session", "s-1")
    assert entry.payload == {"feeling": ["good", 1]}
    assert entry.occurred_at == done_at


def test_two_messages_that_say_the_same_are_two_entries(postroom: Postroom) -> None:
    for _ in range(2):
        postroom.run(UserActionMessage.of("finished", "session", "session-101"))

    assert len(_log()) == 2
