from pathlib import Path

from postroom.follow import Followed


def test_new_lines_are_shown_with_the_name_of_their_process(tmp_path: Path) -> None:
    web, worker = tmp_path / "web.log", tmp_path / "worker.log"
    web.write_text("old\n")
    worker.touch()
    followed = Followed([web, worker])

    with web.open("a") as one, worker.open("a") as two:
        one.write("hello\nhalf a l")
        two.write("started\n")

    assert list(followed.new_lines()) == ["web    | hello", "worker | started"]


def test_a_line_is_shown_when_it_is_whole(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.touch()
    followed = Followed([log])
    with log.open("a") as file:
        file.write("half")
    assert list(followed.new_lines()) == []

    with log.open("a") as file:
        file.write(" and half\n")

    assert list(followed.new_lines()) == ["web | half and half"]
    assert list(followed.new_lines()) == []
