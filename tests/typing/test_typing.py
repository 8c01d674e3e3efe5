"""mypy, run once over the files beside this one, must find what they announce and nothing else.

A line that is wrong says so: `# E: ` and a part of mypy's message, once for each error.
"""

import re
from collections import defaultdict
from pathlib import Path

import pytest
from mypy import api

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FILES = sorted(path for path in HERE.glob("*.py") if path.name != Path(__file__).name)

_FOUND = re.compile(r"(?P<file>[^:]+):(?P<line>\d+): error: (?P<message>.*)")
_ANNOUNCED = re.compile(r"# E: (.*?)(?=\s*# (?:E:|noqa)|$)")

Errors = dict[int, list[str]]


@pytest.fixture(scope="module")
def found() -> dict[str, Errors]:
    """What mypy says, by file and line; strict, as pyproject.toml has it."""
    config = [
        "--config-file",
        str(ROOT / "pyproject.toml"),
        "--cache-dir",
        str(ROOT / ".mypy_cache"),
    ]
    output, failure, _ = api.run([*config, "--hide-error-context", *map(str, FILES)])
    assert not failure, failure
    errors: dict[str, Errors] = defaultdict(lambda: defaultdict(list))
    for line in output.splitlines():
        if match := _FOUND.fullmatch(line):
            errors[Path(match["file"]).name][int(match["line"])].append(match["message"])
    return errors


def announced(path: Path) -> Errors:
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
    return {number: found for number, line in lines if (found := _ANNOUNCED.findall(line))}


def test_there_are_right_and_wrong_uses() -> None:
    expected = {path.name: sum(map(len, announced(path).values())) for path in FILES}

    assert expected.pop("right.py") == 0
    assert len(expected) == 4
    assert min(expected.values()) >= 15


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_mypy_finds_what_the_file_announces_and_nothing_else(
    path: Path, found: dict[str, Errors]
) -> None:
    expected, actual = announced(path), found.get(path.name, {})
    lines = sorted(expected.keys() | actual.keys())

    differences = [
        f"{path.name}:{line}: expected {expected.get(line, [])}, got {actual.get(line, [])}"
        for line in lines
        if not _agree(expected.get(line, []), actual.get(line, []))
    ]
    assert not differences, "\n".join(differences)


def _agree(texts: list[str], messages: list[str]) -> bool:
    """Whether each text is part of a message, each message bears a text, and none is left."""
    return (
        len(texts) == len(messages)
        and all(any(text in message for message in messages) for text in texts)
        and all(any(text in message for text in texts) for message in messages)
    )


def test_no_error_lies_outside_these_files(found: dict[str, Errors]) -> None:
    assert found.keys() <= {path.name for path in FILES}
