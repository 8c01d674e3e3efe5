"""WORKOUT_UPDATE: changes one exercise of a training plan."""

from datetime import UTC, datetime
from typing import Any

from pydantic import JsonValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from handlers.parts.once import apply_once
from handlers.parts.tables import Exercise, Phase, TrainingSession
from messages import JsonObject, WorkoutUpdateData, WorkoutUpdateMessage
from workers import PermanentError, handles

_COLUMNS = frozenset({"sets", "reps", "weight", "duration", "rest", "notes"})


@handles(WorkoutUpdateMessage)
def update_workout(message: WorkoutUpdateMessage) -> JsonObject:
    """Set the values that the message names; the others stay as they are.

    A message that runs again changes nothing, also when a later one has changed the exercise
    since.

    Returns:
        The exercise's id and the names of the values that were set.

    Raises:
        PermanentError: If the plan has no such exercise at this place.
    """

    def change(session: Session) -> JsonObject:
        exercise = _exercise(session, message.data)
        values = message.data.changes.model_dump(mode="json", exclude_none=True)
        _set(exercise, values)
        exercise.changed_by, exercise.changed_at = message.message_id, datetime.now(UTC)
        changed: list[JsonValue] = [*sorted(values)]
        return {"exerciseId": exercise.id, "changed": changed}

    return apply_once(message, change)


def _exercise(session: Session, data: WorkoutUpdateData) -> Exercise:
    place = (
        select(Exercise)
        .join(TrainingSession, TrainingSession.id == Exercise.session_id)
        .join(Phase, Phase.id == TrainingSession.phase_id)
        .where(
            Exercise.id == data.exercise_id,
            TrainingSession.id == data.session_id,
            Phase.id == data.phase_id,
            Phase.plan_id == data.exercise_plan_id,
        )
        .with_for_update(of=Exercise)
    )
    exercise = session.scalar(place)
    if exercise is None:
        raise PermanentError(
            f"There is no exercise {data.exercise_id!r} in session {data.session_id!r}, phase "
            f"{data.phase_id!r} of plan {data.exercise_plan_id!r}."
        )
    return exercise


def _set(exercise: Exercise, values: dict[str, Any]) -> None:
    for name in _COLUMNS & values.keys():
        setattr(exercise, name, values[name])
    extra = {name: value for name, value in values.items() if name not in _COLUMNS}
    exercise.extra = {**exercise.extra, **extra}
