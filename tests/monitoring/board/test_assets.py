"""Sheets and modules, as they are sent."""

from pathlib import Path

import pytest

from monitoring.board import assets
from monitoring.errors import SubjectNotFound

BOARD = Path(assets.__file__).parent


@pytest.mark.parametrize("name", sorted(assets.SHEETS))
def test_each_sheet_is_made_of_parts_that_exist_and_has_no_comment(name: str) -> None:
    sheet, media_type = assets.asset(f"{name}.css")

    assert media_type == "text/css"
    assert b"/*" not in sheet
    assert sheet.count(b"{") == sheet.count(b"}")


def test_every_part_of_a_sheet_exists() -> None:
    used = {part for parts in assets.SHEETS.values() for part in parts}

    assert used <= {each.stem for each in (BOARD / "css").glob("*.css")}


@pytest.mark.parametrize("path", sorted((BOARD / "js").glob("*.js")), ids=lambda path: path.name)
def test_each_module_is_sent_without_comments_and_shorter(path: Path) -> None:
    module, media_type = assets.asset(path.name)

    assert media_type == "text/javascript"
    assert len(module) < path.stat().st_size
    assert b"@param" not in module


@pytest.mark.parametrize("name", ["none.css", "none.js", "../page.py", "board", "marks.json", ""])
def test_nothing_else_is_sent(name: str) -> None:
    with pytest.raises(SubjectNotFound):
        assets.asset(name)


def test_the_version_is_the_same_each_time() -> None:
    assert assets.version() == assets.version()
    assert len(assets.version()) == 12
