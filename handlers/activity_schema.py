"""ACTIVITY_SCHEMA: gives an activity templates to display its data with."""

from handlers.parts.processing import Made, mark_dead, process_once
from handlers.parts.robo import display_templates
from handlers.parts.settings import handler_settings
from handlers.parts.tables import Activity
from messages import ActivitySchemaMessage, JsonObject
from workers import DeadLetter, RetryPolicy, handles, on_dead


@handles(ActivitySchemaMessage, retry=RetryPolicy(max_attempts=5))
def make_templates(message: ActivitySchemaMessage) -> JsonObject:
    """Store a title of at most 50 characters and a body that names every property.

    Returns:
        The activity's id, the title and the length of the body in characters.

    Raises:
        ResourceUnavailable: If the text service is down or busy.
        PermanentError: If there is no such activity, or a template cannot hold a property's name.
    """

    def make(activity: Activity) -> Made:
        made = display_templates(activity.name, activity.json_schema, handler_settings())
        return Made(
            columns={"title_template": made.title, "body_template": made.body},
            result={
                "activityId": activity.id,
                "title": made.title,
                "characters": len(made.body),
            },
        )

    return process_once(message, Activity, message.data.activity_id, make)


@on_dead(ActivitySchemaMessage)
def mark_activity_dead(message: ActivitySchemaMessage, letter: DeadLetter) -> None:
    """Set the activity's status to FAILED or ERROR."""
    mark_dead(message, Activity, message.data.activity_id, reason=letter.reason)
