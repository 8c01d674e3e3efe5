"""How often, in which order, until when and with what around them the steps of a build run."""

import os
from pathlib import Path

import pytest

from messages import BuildConfig, BuildData, BuildMessage
from tests.handlers.conftest import Setting
from workers import Completed, Progress
from workers.testing import Postroom

pytest_plugins = ["workers.testing"]
pytestmark = [pytest.mark.usefixtures("sample")]

_OURS = {
    "BUILD_REPOSITORY": "acme/shop",
    "BUILD_BRANCH": "main",
    "BUILD_COMMIT": "",
    "BUILD_JOB_TYPE": "test",
}


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


def test_what_comes_after_a_step_that_failed_does_not_run(
    postroom: Postroom, tmp_path: Path
) -> None:
    outcome = postroom.perform(build("sh -c 'exit 3'", f"sh -c 'touch {tmp_path}/ran'"))

    assert not isinstance(outcome, Completed)
    assert not (tmp_path / "ran").exists()


def test_the_steps_of_the_result_are_in_order_with_what_they_took(postroom: Postroom) -> None:
    slow, quick = postroom.run(build("sh -c 'sleep 0.2'", "sh -c true"))["steps"]

    assert [slow["command"], quick["command"]] == ["sh -c sleep 0.2", "sh -c true"]
    assert slow["seconds"] >= 0.2


def test_each_step_is_told_as_progress_before_it_runs(postroom: Postroom) -> None:
    message = build("sh -c true", "sh -c true")

    postroom.run(message)

    assert postroom.progress(message) == (
        Progress(0.0, "step 1 of 2"),
        Progress(0.5, "step 2 of 2"),
    )


def test_the_limit_is_one_for_all_steps_together(
    postroom: Postroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.build._MINUTE", 1.0)

    outcome = postroom.perform(build(*3 * ["sh -c 'sleep 0.6'"], timeout_minutes=1))

    assert "took longer than 1 min" in str(getattr(outcome, "error", outcome))


def test_branches_do_not_share_a_cached_folder(postroom: Postroom, tmp_path: Path) -> None:
    postroom.run(build("sh -c 'touch left'", branch="one", cache_enabled=True))
    postroom.run(build(f"sh -c 'ls > {tmp_path}/seen'", branch="two", cache_enabled=True))

    assert (tmp_path / "seen").read_text() == ""


def test_steps_see_these_variables_and_no_other(
    postroom: Postroom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "C.UTF-8")
    out = tmp_path / "variables"
    # As it was started: a shell adds some of its own to what `env` shows.
    postroom.run(build(f"sh -c 'cat /proc/$$/environ > {out}'"))
    seen = dict(line.split("=", 1) for line in out.read_text().split("\0") if line)

    assert seen.keys() == {"PATH", "HOME", "LANG", *_OURS}
    assert {key: seen[key] for key in _OURS} == _OURS


def test_a_step_is_in_a_session_of_its_own(postroom: Postroom, tmp_path: Path) -> None:
    out = tmp_path / "session"
    postroom.run(build(f"python3 -c \"import os; open('{out}', 'w').write(str(os.getsid(0)))\""))

    assert int(out.read_text()) != os.getsid(0)


def test_a_step_reads_nothing_of_what_its_worker_is_given(
    postroom: Postroom, tmp_path: Path
) -> None:
    out = tmp_path / "input"
    postroom.run(build(f"sh -c 'readlink /proc/self/fd/0 > {out}'"))

    assert out.read_text() == "/dev/null\n"


def test_a_step_whose_time_is_up_may_tidy_up_first(
    postroom: Postroom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.build._MINUTE", 0.5)
    tidy = f"sh -c 'trap \"sleep 0.2; touch {tmp_path}/tidy; exit 0\" TERM; sleep 60 & wait'"

    postroom.perform(build(tidy, timeout_minutes=1))

    assert (tmp_path / "tidy").exists()
