import pytest

from handlers.parts.database import snapshot, transaction
from handlers.parts.display import FieldTemplate, fill
from handlers.parts.tables import Activity, ProcessingStatus
from messages import ActivitySchemaMessage
from tests.handlers.servers import Answer, TextService
from workers import enqueue
from workers.testing import Postroom

pytest_plugins = ["workers.testing"]


def _activity(activity_id: str = "activity-1") -> Activity:
    with snapshot() as session:
        return session.get_one(Activity, activity_id)


def _fields(activity: Activity) -> set[str]:
    return set(FieldTemplate(activity.body_template or "").get_identifiers())


@pytest.mark.usefixtures("any_database", "sample")
def test_without_a_service_an_activity_gets_templates_that_name_every_property(
    postroom: Postroom,
) -> None:
    postroom.run(ActivitySchemaMessage.of("activity-1"))

    activity = _activity()
    values = {"distance": 5, "duration": 30, "surface": "trail", "notes": "windy"}
    assert activity.status is ProcessingStatus.COMPLETED
    assert fill(activity.title_template or "", values) == "Run: 5"
    assert fill(activity.body_template or "", values) == (
        "# Run\n\n- **Distance (km):** 5\n- **Minutes:** 30\n- **Surface:** trail\n"
        "- **Average heart rate:** \u2013\n\n## Notes\n\nwindy"
    )


@pytest.mark.usefixtures("any_database", "sample")
def test_an_activity_that_does_not_exist_is_a_permanent_error_that_names_it(
    postroom: Postroom,
) -> None:
    job = enqueue(ActivitySchemaMessage.of("activity-99"))
    postroom.drain()

    postroom.assert_buried(job, reason="permanent", match="There is no activity 'activity-99'")


@pytest.mark.usefixtures("sample")
def test_what_a_service_forgot_is_added_and_what_it_invented_is_no_field(
    postroom: Postroom,
    text_service: TextService,
) -> None:
    reply = {"title": "Ran $distance", "body": "You ran $distance for $5 with ${friends}."}
    text_service.answers = [Answer(content=reply)]

    postroom.run(ActivitySchemaMessage.of("activity-1"))

    activity = _activity()
    assert activity.title_template == "Ran $distance"
    assert _fields(activity) == set(activity.json_schema["properties"])
    assert "for $5 with ${friends}." in fill(activity.body_template or "", {})


@pytest.mark.usefixtures("sample")
def test_a_services_title_that_is_too_long_is_replaced_and_no_field_is_cut_in_two(
    postroom: Postroom,
    text_service: TextService,
) -> None:
    reply = {"title": "$distance " * 6, "body": "$distance"}
    text_service.answers = [Answer(content=reply)]

    postroom.run(ActivitySchemaMessage.of("activity-1"))

    assert _activity().title_template == "Run: $distance"


@pytest.mark.usefixtures("sample")
def test_a_property_that_no_template_can_hold_is_a_permanent_error(postroom: Postroom) -> None:
    with transaction() as session:
        session.add(Activity(id="odd", name="Odd", json_schema={"properties": {"a}b": {}}}))

    job = enqueue(ActivitySchemaMessage.of("odd"))
    postroom.drain()

    postroom.assert_buried(job, reason="permanent", match="'a}b'")
