import pytest
from sqlalchemy import func, select

from handlers.parts.database import snapshot, transaction
from handlers.parts.sample import load_sample_data
from handlers.parts.tables import Activity, Base, Exercise, Note, Plan, User
from messages import examples_of
from workers.testing import Postroom

pytest_plugins = ["workers.testing"]

pytestmark = pytest.mark.usefixtures("any_database")


def _count(model: type[Base]) -> int:
    with snapshot() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_the_counts_are_those_of_the_tables() -> None:
    counts = load_sample_data()

    assert (counts["plans"], counts["exercises"]) == (_count(Plan), _count(Exercise))
    assert (counts["notes"], counts["activities"]) == (_count(Note), _count(Activity))
    assert counts["users"] == _count(User)
    assert all(counts.values())


def test_loading_it_again_adds_nothing_and_changes_nothing() -> None:
    counts = load_sample_data()
    with transaction() as session:
        session.get_one(Note, "note-1").text = "mine"

    again = load_sample_data()

    with snapshot() as session:
        assert session.get_one(Note, "note-1").text == "mine"
    assert again == counts
    assert _count(Note) == counts["notes"]


@pytest.mark.parametrize(
    "kind",
    [
        "TEST",
        "WORKOUT_UPDATE",
        "USER_ACTION",
        "NOTIFICATION",
        "EMAIL",
        "DATA_SYNC",
        "NOTE_ENRICHMENT",
        "ACTIVITY_SCHEMA",
    ],
)
def test_the_examples_of_each_message_type_can_be_handled(postroom: Postroom, kind: str) -> None:
    load_sample_data()

    results = [postroom.run(example) for example in examples_of(kind)]

    assert all(results)
