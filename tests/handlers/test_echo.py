from messages import TestData, TestMessage, TestPayload
from workers.testing import Postroom

pytest_plugins = ["workers.testing"]


def test_a_test_message_is_echoed(postroom: Postroom) -> None:
    payload = TestPayload(field="name", old_value="a", new_value=2, note="more")  # type: ignore[call-arg]

    result = postroom.run(TestMessage(data=TestData(test_type="echo", payload=payload)))

    assert result == {
        "testType": "echo",
        "payload": {"field": "name", "oldValue": "a", "newValue": 2, "note": "more"},
    }
