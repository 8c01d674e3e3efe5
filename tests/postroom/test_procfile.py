from pathlib import Path

import pytest

from postroom.errors import ProcfileInvalid
from postroom.procfile import Command, read_procfile


@pytest.fixture
def procfile(tmp_path: Path) -> Path:
    return tmp_path / "Procfile"


def test_lines_are_read_in_order_without_blanks_and_comments(procfile: Path) -> None:
    procfile.write_text("# what runs\n\nweb: postroom web\n  worker-2 :  rq worker 'a b'\n")

    assert read_procfile(procfile) == (
        Command("web", ("postroom", "web"), {}),
        Command("worker-2", ("rq", "worker", "a b"), {}),
    )


def test_variables_in_front_of_the_program_are_set_for_it(procfile: Path) -> None:
    procfile.write_text("web: A=1 B='two words' postroom web --x=3\n")

    assert read_procfile(procfile) == (
        Command("web", ("postroom", "web", "--x=3"), {"A": "1", "B": "two words"}),
    )


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("web postroom web", "Procfile:1 has 'web postroom web'"),
        ("web:", "Procfile:1 has 'web:'"),
        ("we b: postroom", "Procfile:1 has 'we b: postroom'"),
        ("a: b\na: c", "Procfile:2 has a second process 'a'"),
        ("a: b | c", "Procfile:1 has the character '|', which only a shell understands"),
        ("a: b\n\nc: d $PORT", "Procfile:3 has the character '$'"),
        ("a: b 'c", "Procfile:1 has a quotation that does not end"),
        ("a: B=1", "Procfile:1 has variables and no program"),
        ("# nothing\n", "names no process"),
    ],
)
def test_a_line_that_cannot_be_run_is_named(procfile: Path, text: str, what: str) -> None:
    procfile.write_text(text)

    with pytest.raises(ProcfileInvalid) as caught:
        read_procfile(procfile)

    assert what in caught.value.message
    assert caught.value.remedy


def test_a_missing_procfile_is_told_with_its_remedy(procfile: Path) -> None:
    with pytest.raises(ProcfileInvalid, match="cannot be read") as caught:
        read_procfile(procfile)

    assert caught.value.field == "POSTROOM_PROCFILE"


def test_the_projects_own_procfile_names_workers_of_both_lanes_and_web() -> None:
    commands = read_procfile(Path(__file__).parents[2] / "Procfile")

    assert [command.name for command in commands] == ["worker", "streams", "web"]
