"""An application whose process is killed right before, or right after, a letter is stored."""

import os
import signal
from pathlib import Path
from typing import Any

from messages import Message, TestMessage
from workers import DeadLetter, PermanentError, RetryPolicy, handles, on, on_dead


def note(line: str) -> None:
    with Path(os.environ["TRACE"]).open("a", encoding="utf-8") as trace:
        trace.write(f"{line}\n")


@handles(TestMessage, retry=RetryPolicy(max_attempts=1))
def fail(message: TestMessage) -> None:
    note(f"ran: {message.data.test_type}")
    if message.data.test_type != "good":
        raise PermanentError("it will never work")


@on_dead(TestMessage)
def before(message: Message, letter: DeadLetter) -> None:
    note(f"mourned: {letter.job_id}")
    kind = TestMessage.model_validate(message).data.test_type
    if kind == "killed before" and _count("mourned: ", letter.job_id) == 1:
        os.kill(os.getpid(), signal.SIGKILL)


@on("dead")
def after(letter: DeadLetter) -> None:
    note(f"buried: {letter.job_id}")
    envelope: Any = letter.envelope
    if envelope["data"]["testType"] == "killed after":
        os.kill(os.getpid(), signal.SIGKILL)


def _count(kind: str, word: str) -> int:
    return Path(os.environ["TRACE"]).read_text(encoding="utf-8").count(f"{kind}{word}")
