"""How often, in which order, until when and with what around them the steps of a build run."""

from pathlib import Path

import pytest

from messages import BuildConfig, BuildData, BuildMessage
from tests.handlers.conftest import Setting
from workers import Completed
from workers.testing import Postroom

pytest_plugins = ["workers.testing"]
pytestmark = [pytest.mark.usefixtures("sample")]


def build(*steps: str, branch: str = "main", **config: object) -> BuildMessage:
    data = BuildData(
        job_type="test",
        repository="acme/shop",
        branch=branch,
        config=BuildConfig(build_steps=steps, **config),
    )
    return BuildMessage(data=data)


@pytest.mark.parametrize("allowed", ["sh", ""])
def test_a_build_that_has_succeeded_does_not_run_again_whatever_is_allowed_by_then(
    postroom: Postroom, setting: Setting, tmp_path: Path, allowed: str
) -> None:
    message = build(f"sh -c 'echo ran >> {tmp_path}/runs'")
    first = postroom.perform(message)
    setting("BUILD_ALLOWED_COMMANDS", allowed)

    again = postroom.perform(message, attempt=2)

    assert isinstance(first, Completed)
    assert again == first
    assert (tmp_path / "runs").read_text() == "ran\n"
