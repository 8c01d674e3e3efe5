"""How the board tells a failure: its title, and the stack it came from."""

from pathlib import Path

import pytest

import workers
from monitoring.board.failing import stack_of, title_of

ROOT = Path(workers.__file__).parents[1]
STACK = f"""Traceback (most recent call last):
  File "{ROOT}/workers/dispatcher.py", line 83, in dispatch
    result = call()
  File "/opt/venv/lib/python3.12/site-packages/httpx/client.py", line 9, in send
    raise Refused
  File "{ROOT}/handlers/email.py", line 36, in send_email
    send()
app.Refused: no"""


def test_files_of_a_stack_are_told_from_the_folder_of_the_application_or_of_the_packages() -> None:
    files = [line.text for line in stack_of(STACK) if line.text.startswith("  File")]

    assert [text.split('"')[1] for text in files] == [
        "workers/dispatcher.py",
        "httpx/client.py",
        "handlers/email.py",
    ]


def test_only_lines_of_the_application_are_its_own() -> None:
    own = [line.text.strip() for line in stack_of(STACK) if line.is_own]

    assert own[1:] == [
        'File "handlers/email.py", line 36, in send_email',
        "send()",
        "app.Refused: no",
    ]


@pytest.mark.parametrize(
    ("message", "title"),
    [
        ("There is no note \N{HORIZONTAL ELLIPSIS}.", "There is no note \N{HORIZONTAL ELLIPSIS}"),
        ("It ended so...", "It ended so..."),
        ("42.", "Refused: 42."),
    ],
)
def test_a_title_has_no_full_stop(message: str, title: str) -> None:
    assert title_of({"message": message, "errorType": "app.Refused"}) == title
