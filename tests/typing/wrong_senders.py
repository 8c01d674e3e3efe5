"""Calls of the senders that mypy must refuse."""

from messages import WorkoutChanges
from workers import (
    send_activity_schema,
    send_data_sync,
    send_email,
    send_note_enrichment,
    send_notification,
    send_test,
    send_user_action,
    send_workout_update,
)

send_test()  # E: Missing positional argument "test_type"
send_test("echo", {"field": "a"})  # E: Argument 2 to "send_test" has incompatible type
send_workout_update("p", "f", "s", {"sets": 4})  # E: Missing positional  # E: Argument 4
send_workout_update("p", "f", "s", "e", {"sets": [4]})  # E: Dict entry 0 has incompatible type
send_workout_update("p", "f", "s", "e", {"sets": None})  # E: Dict entry 0 has incompatible type
send_workout_update("p", "f", "s", "e", WorkoutChanges(), 5)  # E: incompatible type "int"
send_user_action("opened", "note")  # E: Missing positional argument "entity_id"
send_user_action("opened", "note", 7)  # E: Argument 3 to "send_user_action" has incompatible type
send_notification("ada", "Hi", "Text", "loud")  # E: Argument 4 to "send_notification"
send_notification("ada", "Hi", "Text", url="/")  # E: Unexpected keyword argument "url"
send_email("a@b.de", "Hi")  # E: Missing positional argument "template"
send_email("a@b.de", "Hi", "welcome", "Ada")  # E: Argument 4 to "send_email" has incompatible type
send_email(["a@b.de"], "Hi", "welcome")  # E: Argument 1 to "send_email" has incompatible type
send_data_sync("restore", "note", [])  # E: Argument 1 to "send_data_sync" has incompatible type
send_data_sync("backup", "note", [1])  # E: List item 0 has incompatible type "int"
send_note_enrichment(5)  # E: Argument 1 to "send_note_enrichment" has incompatible type "int"
send_note_enrichment("note-1", "note-2")  # E: Too many arguments for "send_note_enrichment"
send_activity_schema(activity="a")  # E: Unexpected keyword argument "activity"
