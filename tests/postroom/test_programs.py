from collections.abc import Callable
from pathlib import Path

import pytest

from postroom import programs
from postroom.errors import ServerUnavailable
from postroom.programs import bundled_server, find_server, version_of

WriteProgram = Callable[[str, str], Path]


@pytest.fixture
def program(tmp_path: Path) -> WriteProgram:
    def write(name: str, version: str) -> Path:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\necho '{version}'\n")
        path.chmod(0o755)
        return path

    return write


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", (7, 0)),
        ("Redis server v=6.2.14 sha=00000000:0", (6, 2)),
        ("Valkey server v=9.1.2 sha=00000000:1 malloc=libc bits=64", (9, 1)),
        ("Redis server v=10.0.0", (10, 0)),
        ("something else", ()),
    ],
)
def test_the_version_is_read_from_what_the_program_says(
    program: WriteProgram, said: str, version: tuple[int, ...]
) -> None:
    assert version_of(program("redis-server", said)) == version


def test_a_server_on_path_comes_first_and_valkey_before_redis(
    tmp_path: Path, program: WriteProgram
) -> None:
    program("redis-server", "Redis server v=7.0.15")
    valkey = program("valkey-server", "Valkey server v=8.0.0")

    assert find_server(str(tmp_path)) == valkey


def test_a_server_that_is_too_old_is_passed_over(tmp_path: Path, program: WriteProgram) -> None:
    program("valkey-server", "Redis server v=6.0.16")
    redis = program("redis-server", "Redis server v=6.2.0")

    assert find_server(str(tmp_path)) == redis


def test_without_one_on_path_the_bundled_one_is_taken(tmp_path: Path) -> None:
    found = find_server(str(tmp_path))

    assert found == bundled_server()
    assert version_of(found) >= (6, 2)


def test_with_none_at_all_the_error_says_what_was_seen_and_what_to_install(
    tmp_path: Path, program: WriteProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("redis-server", "Redis server v=5.0.7")
    monkeypatch.setattr(programs, "bundled_server", lambda: None)

    with pytest.raises(ServerUnavailable) as caught:
        find_server(str(tmp_path))

    assert f"{tmp_path}/redis-server is version 5.0" in caught.value.message
    assert "apt-get install redis-server" in caught.value.remedy
    assert "brew install valkey" in caught.value.remedy
