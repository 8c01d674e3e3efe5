"""The ground on which the tests of the test kit stand: one handler of TEST, and nothing else."""

import pytest

from messages import EmailMessage, TestData, TestMessage
from workers import handles
from workers.registry import separate_registry

EMAIL = EmailMessage.of("ada@example.com", "Hello", "welcome")


@pytest.fixture(autouse=True)
def own_handlers(monkeypatch):
    monkeypatch.setenv("HANDLER_PACKAGES", "messages")  # a package without handlers
    with separate_registry():
        yield


@pytest.fixture
def said() -> list[str]:
    """What the handler of TEST was asked to do, in order."""
    return []


@pytest.fixture(autouse=True)
def handler_of_test(own_handlers, said):
    @handles(TestMessage)
    def say(message: TestMessage) -> str:
        said.append(message.data.test_type)
        return message.data.test_type


def a_message(kind: str = "echo") -> TestMessage:
    return TestMessage(data=TestData(test_type=kind))
