import pytest

from handlers.parts.database import snapshot
from handlers.parts.tables import Exercise
from messages import WorkoutChanges, WorkoutUpdateMessage, parse_message
from workers import enqueue
from workers.testing import Postroom

pytest_plugins = ["workers.testing"]

pytestmark = pytest.mark.usefixtures("any_database", "sample")

PLACE = ("plan-456", "phase-789", "session-101", "exercise-202")


def _exercise(exercise_id: str = "exercise-202") -> Exercise:
    with snapshot() as session:
        return session.get_one(Exercise, exercise_id)


def test_named_values_are_set_and_the_others_stay(postroom: Postroom) -> None:
    before = _exercise()

    result = postroom.run(WorkoutUpdateMessage.of(*PLACE, WorkoutChanges(reps=8, weight=135.5)))

    after = _exercise()
    assert result == {"exerciseId": "exercise-202", "changed": ["reps", "weight"]}
    assert (after.reps, after.weight) == (8, 135.5)
    assert (after.sets, after.name, after.notes) == (before.sets, before.name, before.notes)


def test_any_further_scalar_is_kept_beside_those_of_earlier_messages(postroom: Postroom) -> None:
    for name, value in (("tempo", "3-1-1"), ("rpe", 8)):
        changes = WorkoutChanges.model_validate({name: value})
        postroom.run(WorkoutUpdateMessage.of(*PLACE, changes))

    assert _exercise().extra == {"tempo": "3-1-1", "rpe": 8}


def test_an_explicit_null_changes_nothing(postroom: Postroom) -> None:
    before = _exercise().sets
    data = {"exercisePlanId": PLACE[0], "phaseId": PLACE[1], "sessionId": PLACE[2]}
    changes = {"sets": None, "reps": 1}
    wire = {"exerciseId": PLACE[3], "changes": changes} | data

    result = postroom.run(parse_message({"messageType": "WORKOUT_UPDATE", "data": wire}))

    assert result["changed"] == ["reps"]
    assert _exercise().sets == before


def test_other_exercises_stay_as_they_are(postroom: Postroom) -> None:
    before = _exercise("exercise-201").reps

    postroom.run(WorkoutUpdateMessage.of(*PLACE, WorkoutChanges(reps=99)))

    assert _exercise("exercise-201").reps == before


def test_the_row_names_the_message_that_changed_it(postroom: Postroom) -> None:
    message = WorkoutUpdateMessage.of(*PLACE, WorkoutChanges(reps=9))

    postroom.run(message)

    assert _exercise().changed_by == message.message_id


@pytest.mark.parametrize("wrong", range(4))
def test_an_exercise_that_is_not_at_its_place_is_a_permanent_error_that_names_it(
    postroom: Postroom,
    wrong: int,
) -> None:
    plan, phase, session, exercise = (
        "elsewhere" if number == wrong else part for number, part in enumerate(PLACE)
    )
    message = WorkoutUpdateMessage.of(plan, phase, session, exercise, WorkoutChanges(reps=1))

    enqueue(message)
    postroom.drain()

    postroom.assert_buried(message, reason="permanent", match=r"There is no exercise .*'elsewhere'")
