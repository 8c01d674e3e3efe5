"""WORKOUT_UPDATE: change one exercise of a training plan."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import ConfigDict, Field

from messages.base import Message, Payload
from messages.fields import Indexed, LogField, Scalar

Id = Annotated[str, Field(min_length=1, max_length=128)]


class WorkoutChanges(Payload):
    """The values to set; what is absent stays as it is. Any further scalar may be added."""

    _path: ClassVar[str] = "data.changes"
    __pydantic_extra__: dict[str, Scalar]

    model_config = ConfigDict(extra="allow")

    sets: int | None = Field(default=None, ge=0, le=1_000)
    reps: int | None = Field(default=None, ge=0, le=10_000)
    weight: float | None = Field(default=None, ge=0)
    duration: float | None = Field(default=None, ge=0)
    rest: float | None = Field(default=None, ge=0)
    notes: str | None = None


class WorkoutUpdateData(Payload):
    """Where the exercise stands in its plan, and what changes."""

    exercise_plan_id: Annotated[Id, LogField, Indexed]
    phase_id: Id
    session_id: Id
    exercise_id: Annotated[Id, LogField, Indexed]
    changes: WorkoutChanges


class WorkoutUpdateMessage(Message):
    """Changes an exercise in the database."""

    queue: ClassVar[str] = "workouts"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "exercisePlanId": "plan-456",
            "phaseId": "phase-789",
            "sessionId": "session-101",
            "exerciseId": "exercise-202",
            "changes": {"sets": 4, "reps": 12, "weight": 135.0},
        },
    )

    message_type: Literal["WORKOUT_UPDATE"] = "WORKOUT_UPDATE"
    data: WorkoutUpdateData

    @classmethod
    def of(  # noqa: PLR0913 - the argument order is the contract of requirement 003
        cls,
        plan: str,
        phase: str,
        session: str,
        exercise: str,
        changes: WorkoutChanges,
        *,
        user_id: str | None = None,
    ) -> Self:
        """Build the message from its parts.

        Args:
            plan: Id of the training plan.
            phase: Id of the phase within the plan.
            session: Id of the session within the phase.
            exercise: Id of the exercise within the session.
            changes: The values to set.
            user_id: Who changes it.
        """
        data = WorkoutUpdateData(
            exercise_plan_id=plan,
            phase_id=phase,
            session_id=session,
            exercise_id=exercise,
            changes=changes,
        )
        return cls(data=data, user_id=user_id)
