"""What a handler returned is shown without the secrets of its message, wherever it is shown."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from messages.masking import MASK
from tests.monitoring.echo_app import EchoData, EchoMessage, InnerData, OpenData, OpenMessage
from tests.processes import StartProcess
from workers import enqueue

ROOT = Path(__file__).parents[3]
API, PIN = "geheim\n'wört'", 987650077
APP = "tests.monitoring.echo_app"
SECRET = EchoMessage(data=EchoData(api=API, inner=InnerData(pin=PIN)))
OPEN = OpenMessage(data=OpenData(text="for all"))

Done = Callable[..., list[str]]


@pytest.fixture
def done(redis, redis_server, start_warm: StartProcess) -> Done:
    """Let a worker handle messages; returns the ids of their jobs."""

    def _done(*messages: Any, **env: str) -> list[str]:
        ids = [enqueue(each, connection=redis).id for each in messages]
        worker = start_warm(
            *("rq", "worker", "-w", "workers.MessageWorker", "-c", "worker_settings"),
            *("--burst", "echoes"),
            cwd=ROOT,
            env={"REDIS_URL": redis_server.url, "HANDLER_PACKAGES": APP, **env},
        )
        assert worker.popen.wait(30) == 0, worker.output()
        return ids

    return _done


@pytest.fixture
def shown(moderator, super_admin, redis_server, start_warm: StartProcess) -> Callable[[str], str]:
    """All that is shown of a job: by the API, the board, rq-dashboard and the command line."""

    def _shown(job_id: str) -> str:
        paths = (f"/api/jobs/{job_id}", f"/api/jobs/{job_id}/status", f"/jobs/{job_id}")
        pages = [moderator.get(path) for path in paths]
        pages.append(super_admin.get(f"/rq/0/data/job/{job_id}.json"))
        assert [page.status_code for page in pages] == [200] * 4
        env = {"REDIS_URL": redis_server.url, "MESSAGE_PACKAGES": f"messages,{APP}"}
        command = start_warm("postroom", "job", job_id, cwd=ROOT, env=env)
        assert command.popen.wait(30) == 0
        return "".join(page.text for page in pages) + command.output()

    return _shown


def leaks(text: str) -> list[str]:
    return [secret for secret in ("geheim", str(PIN)) if secret in text]


def test_a_result_is_shown_without_the_secrets_of_its_message(done, moderator, shown) -> None:
    (job_id,) = done(SECRET)

    result = moderator.get(f"/api/jobs/{job_id}").json()["result"]

    assert leaks(shown(job_id)) == []
    deep = result.pop("deep")
    assert result == {"echo": MASK, "pin": MASK, "told": f'"{MASK}"', "n": 5}
    assert json.dumps(deep) == "[" * 20 + f'"{MASK}"' + "]" * 20


def test_without_its_message_only_a_result_that_had_no_secrets_is_shown(
    done, moderator, shown
) -> None:
    secret, plain = done(SECRET, OPEN, KEEP_PAYLOAD="failures")

    withheld = moderator.get(f"/api/jobs/{secret}").json()

    assert withheld["result"] is None
    assert withheld["resultError"].startswith("It is not shown: its message is not kept")
    text = shown(secret)
    assert leaks(text) == []
    assert text.count("It is not shown: its message is not kept") == 5
    assert shown(plain).count("for all") == 5
