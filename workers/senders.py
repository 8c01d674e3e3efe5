"""One typed function for each shipped message type, in the argument order of requirement 003.

Each builds its message and enqueues it; for options use `enqueue(Message.of(...), ...)`.
"""

from collections.abc import Mapping, Sequence

from messages import (
    ActivitySchemaMessage,
    DataSyncMessage,
    EmailMessage,
    JsonObject,
    NoteEnrichmentMessage,
    NotificationMessage,
    Scalar,
    TestData,
    TestMessage,
    TestPayload,
    UserActionMessage,
    WorkoutChanges,
    WorkoutUpdateMessage,
)
from messages.data_sync import SyncType
from messages.notification import NotificationType
from workers.handle import JobHandle
from workers.producer import enqueue


def send_test(
    test_type: str, payload: TestPayload | None = None, user_id: str | None = None
) -> JobHandle:
    """Send a TEST message.

    Args:
        test_type: What is tested.
        payload: What it carries.
        user_id: Who sends it.
    """
    data = TestData(test_type=test_type, payload=payload or TestPayload())
    return enqueue(TestMessage(data=data, user_id=user_id))


def send_workout_update(  # noqa: PLR0913, PLR0917 - the order of requirement 003
    plan_id: str,
    phase_id: str,
    session_id: str,
    exercise_id: str,
    changes: WorkoutChanges | Mapping[str, Scalar],
    user_id: str | None = None,
) -> JobHandle:
    """Change an exercise of a training plan.

    Args:
        plan_id: The plan.
        phase_id: The phase within the plan.
        session_id: The session within the phase.
        exercise_id: The exercise within the session.
        changes: The values to set.
        user_id: Who changes it.
    """
    values = (
        changes
        if isinstance(changes, WorkoutChanges)
        else WorkoutChanges(
            **changes  # type: ignore[arg-type]  # the constructor checks them
        )
    )
    message = WorkoutUpdateMessage.of(
        plan_id, phase_id, session_id, exercise_id, values, user_id=user_id
    )
    return enqueue(message)


def send_user_action(
    action: str,
    entity_type: str,
    entity_id: str,
    payload: JsonObject | None = None,
    user_id: str | None = None,
) -> JobHandle:
    """Add to the activity log.

    Args:
        action: What was done.
        entity_type: What kind of thing it was done to.
        entity_id: Which one.
        payload: Anything else worth keeping.
        user_id: Who did it.
    """
    message = UserActionMessage.of(action, entity_type, entity_id, payload, user_id=user_id)
    return enqueue(message)


def send_notification(
    recipient_id: str,
    title: str,
    message: str,
    type: NotificationType = "info",  # noqa: A002 - the field's name on the wire
    action_url: str | None = None,
) -> JobHandle:
    """Tell a user something.

    Args:
        recipient_id: The user.
        title: The headline.
        message: The text.
        type: How it is meant.
        action_url: Where a click leads.
    """
    return enqueue(NotificationMessage.of(recipient_id, title, message, type, action_url))


def send_email(
    to: str, subject: str, template: str, template_data: JsonObject | None = None
) -> JobHandle:
    """Send a mail.

    Args:
        to: One address.
        subject: One line.
        template: Name of a template.
        template_data: The values it uses.
    """
    return enqueue(EmailMessage.of(to, subject, template, template_data))


def send_data_sync(
    sync_type: SyncType,
    entity_type: str,
    entity_ids: Sequence[str],
    destination: str | None = None,
) -> JobHandle:
    """Back up, export or import entities.

    Args:
        sync_type: Which of the three.
        entity_type: Which kind of entity.
        entity_ids: Which ones; empty means all.
        destination: An fsspec URL; None means the setting BACKUP_URL.
    """
    return enqueue(DataSyncMessage.of(sync_type, entity_type, entity_ids, destination))


def send_note_enrichment(note_id: str) -> JobHandle:
    """Give a note a title and clean Markdown.

    Args:
        note_id: The note.
    """
    return enqueue(NoteEnrichmentMessage.of(note_id))


def send_activity_schema(activity_id: str) -> JobHandle:
    """Give an activity its display templates.

    Args:
        activity_id: The activity.
    """
    return enqueue(ActivitySchemaMessage.of(activity_id))
