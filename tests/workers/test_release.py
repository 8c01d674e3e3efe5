"""The release is what was told, else the commit that is checked out."""

import subprocess

import pytest

from workers.release import UNKNOWN, code_version


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code_version.cache_clear()
    yield tmp_path
    code_version.cache_clear()


def git(*words: str) -> str:
    names = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    return subprocess.run(
        ["git", *names, *words], check=True, capture_output=True, text=True
    ).stdout.strip()


def commit() -> str:
    git("init", "-q", "-b", "main")
    git("commit", "-q", "--allow-empty", "-m", "one")
    return git("rev-parse", "HEAD")


def test_what_was_told_wins(here):
    commit()

    assert code_version("2026.11") == "2026.11"


def test_without_a_repository_nobody_knows(here):
    assert code_version("") == UNKNOWN


def test_it_is_the_commit_of_the_branch_also_from_a_folder_within(here, monkeypatch):
    whole = commit()
    (here / "within").mkdir()
    monkeypatch.chdir(here / "within")

    assert code_version("") == whole[:12]


def test_it_is_found_when_git_has_packed_its_names(here):
    whole = commit()
    git("pack-refs", "--all")

    assert code_version("") == whole[:12]


def test_a_commit_without_a_branch_and_a_further_working_folder_are_known(here, monkeypatch):
    whole = commit()
    git("worktree", "add", "-q", "--detach", str(here / "other"))
    monkeypatch.chdir(here / "other")

    assert code_version("") == whole[:12]
