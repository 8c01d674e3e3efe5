"""Sample data for the demo, the examples and the tests: plans, notes, activities, users, guilds.

The ids are those of the messages' examples.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy.orm import Session

from handlers.parts import guild_sample
from handlers.parts.database import insert_missing, transaction
from handlers.parts.guild_tables import Attachment, GuildMessage
from handlers.parts.tables import (
    Activity,
    Base,
    Exercise,
    Note,
    Phase,
    Plan,
    ProcessingStatus,
    TrainingSession,
    User,
)

Rows = tuple[dict[str, Any], ...]

_USERS: Rows = (
    {"id": "user-123", "name": "Ada", "email": "ada@example.com"},
    {"id": "user-124", "name": "Grace", "email": "grace@example.com"},
    {"id": "user-125", "name": "Mary", "email": "mary@example.com"},
)
_PLANS: Rows = ({"id": "plan-456", "title": "Strong in twelve weeks", "user_id": "user-123"},)
_PHASES: Rows = (
    {"id": "phase-789", "plan_id": "plan-456", "title": "Foundation", "position": 1},
    {"id": "phase-790", "plan_id": "plan-456", "title": "Strength", "position": 2},
)
_SESSIONS: Rows = (
    {"id": "session-101", "phase_id": "phase-789", "title": "Lower body", "position": 1},
    {"id": "session-102", "phase_id": "phase-789", "title": "Upper body", "position": 2},
    {"id": "session-103", "phase_id": "phase-790", "title": "Whole body", "position": 1},
)


_EXERCISES: Rows = tuple(
    {
        "id": f"exercise-{number}",
        "session_id": f"session-{session}",
        "name": name,
        "position": number,
        "sets": sets,
        "reps": reps,
        "weight": weight,
        "rest": 90.0,
        "extra": {},
    }
    for number, session, name, sets, reps, weight in (
        (201, 101, "Goblet squat", 3, 12, 20.0),
        (202, 101, "Deadlift", 3, 10, 120.0),
        (203, 101, "Calf raise", 3, 15, 40.0),
        (204, 102, "Bench press", 4, 8, 60.0),
        (205, 102, "Row", 4, 10, 50.0),
        (206, 103, "Clean", 5, 3, 70.0),
    )
)
_NOTES: Rows = tuple(
    {"id": f"note-{number}", "text": text}
    for number, text in enumerate(
        (
            "Leg day!!   felt  strong\r\n* squats 3x12\r\n*  deadlift 120kg\r\n\r\n\r\n",
            "PLAN\n=====\n• run tue\n• swim  thu\n   • bring goggles\n1) book pool",
            "\ufeff##Ideas##\nnew shoes?\u200b  ask   Grace\n>she knows shops",
            "how to log a run\n\n\tcurl -d '{\"km\":  5}'  /runs\n\nworks.   mostly",
            "Rest days: how many a week after a hard month?  Sleep  or food? \x07 To be continued",
            "```python\npace = minutes   /  km\n",
        ),
        start=1,
    )
)
_ACTIVITIES: Rows = (
    {
        "id": "activity-1",
        "name": "Run",
        "json_schema": {
            "type": "object",
            "required": ["distance"],
            "properties": {
                "distance": {"type": "number", "title": "Distance (km)"},
                "duration": {"type": "integer", "title": "Minutes"},
                "surface": {"enum": ["road", "trail", "track"]},
                "averageHeartRate": {"type": "integer"},
                "notes": {"type": "string", "maxLength": 2000},
            },
        },
    },
    {
        "id": "activity-2",
        "name": "Strength session",
        "json_schema": {
            "type": "object",
            "properties": {
                "title": {"type": "string"},
                "sets": {"type": "integer"},
                "total-weight": {"type": "number"},
                "done": {"type": "boolean"},
            },
        },
    },
    {
        "id": "activity-3",
        "name": "Meal",
        "json_schema": {
            "$ref": "#/$defs/Meal",
            "$defs": {"Meal": {"properties": {"dish": {"type": "string"}, "kcal": {}, "at": {}}}},
        },
    },
)


def load_sample_data() -> dict[str, int]:
    """Put the sample data into the database. What is there already stays as it is.

    Returns:
        How many rows of each table belong to the sample; all of them are there afterwards.
    """
    guild_sample.draw_images(guild_sample.attachments())
    pending = {"status": ProcessingStatus.PENDING}
    with transaction() as session:
        return {
            "users": _add(session, User, _USERS),
            "plans": _add(session, Plan, _PLANS),
            "phases": _add(session, Phase, _PHASES),
            "sessions": _add(session, TrainingSession, _SESSIONS),
            "exercises": _add(session, Exercise, _EXERCISES),
            "notes": _add(session, Note, (row | pending for row in _NOTES)),
            "activities": _add(session, Activity, (row | pending for row in _ACTIVITIES)),
            "guild_messages": _add(session, GuildMessage, guild_sample.messages()),
            "attachments": _add(session, Attachment, guild_sample.attachments()),
        }


def _add(session: Session, model: type[Base], rows: Iterable[dict[str, Any]]) -> int:
    values = list(rows)
    session.execute(insert_missing(session, model), values)
    return len(values)
