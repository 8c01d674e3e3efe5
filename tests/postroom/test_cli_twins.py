"""Whatever may be done over HTTP may be done from the shell, too."""

import pytest
from typer.main import get_command

from monitoring.web.app import closed_routers
from monitoring.web.auth import SAFE, declared
from postroom.cli import build_app

TWINS = {
    "PATCH /admin/jobs/queue/{queue}/pause": "queues pause",
    "PATCH /admin/jobs/queue/{queue}/resume": "queues resume",
    "DELETE /admin/jobs/queue/{queue}/clear": "queues clear",
    "POST /api/pauses": "queues pause",
    "POST /api/pauses/resume": "queues resume",
    "POST /api/cleanup": "jobs clean",
    "POST /admin/jobs/retry/{queue}/{job_id}": "jobs retry",
    "POST /admin/jobs/{queue}/{job_id}/promote": "jobs promote",
    "POST /admin/jobs/{queue}/{job_id}/cancel": "jobs cancel",
    "POST /admin/jobs/{queue}/{job_id}/stop": "jobs stop",
    "DELETE /admin/jobs/{queue}/{job_id}": "jobs delete",
    "POST /api/jobs": "send",
    "POST /api/jobs/retry": "jobs retry-all",
    "POST /api/jobs/cancel": "jobs cancel-all",
    "PATCH /api/dead-letters/{job_id}": "dead-letters edit",
    "POST /api/dead-letters/{job_id}/replay": "dead-letters replay",
    "POST /api/dead-letters/replay": "dead-letters replay",
    "DELETE /api/dead-letters/{job_id}": "dead-letters purge",
    "POST /api/dead-letters/purge": "dead-letters purge",
    "POST /api/failures/{fingerprint}/mute": "failures mute",
    "POST /api/failures/{fingerprint}/unmute": "failures unmute",
    "POST /api/failures/{fingerprint}/fixed": "failures fixed",
    "POST /api/failures/{fingerprint}/replay": "failures replay",
    "POST /api/streams": "streams publish",
    "POST /api/streams/{name}/trim": "streams trim",
    "POST /api/streams/{name}/claim": "streams claim",
    "DELETE /api/streams/{name}/consumers/{consumer}": "streams delete-consumer",
    "POST /api/alerts/test/{channel}": "alerts test",
    "POST /api/deploys": "deploy-mark",
    "POST /api/workers/{name}/stop": "workers stop",
}
"""Written by hand: an action without a command fails the test below."""

NO_ACTIONS = ("/rq", "/board/")
"""Of rq-dashboard, and what a page asks while somebody types, which changes nothing."""


def test_every_action_has_a_command() -> None:
    actions = {
        f"{method} {route.path}"
        for route in declared(closed_routers())
        for method in route.methods
        if method not in SAFE and not route.path.startswith(NO_ACTIONS)
    }

    assert actions == set(TWINS)


@pytest.mark.parametrize("words", sorted(set(TWINS.values())))
def test_each_of_these_commands_is_there(words: str) -> None:
    command = get_command(build_app(words.split()))
    for word in words.split():
        command = command.commands[word]

    assert command.help
