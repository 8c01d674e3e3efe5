from messages import TestData, TestMessage, TestPayload
from tests.handlers.run import run_message


def test_a_test_message_is_echoed() -> None:
    payload = TestPayload(field="name", old_value="a", new_value=2, note="more")  # type: ignore[call-arg]

    result = run_message(TestMessage(data=TestData(test_type="echo", payload=payload)))

    assert result == {
        "testType": "echo",
        "payload": {"field": "name", "oldValue": "a", "newValue": 2, "note": "more"},
    }
