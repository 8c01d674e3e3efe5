"""Icons and shapes are drawn once, and only those that a page uses."""

import pytest

from monitoring.board.marks import Marks


def test_a_mark_refers_to_its_drawing_and_is_hidden_from_screen_readers() -> None:
    marks = Marks()

    assert marks.icon("search") == (
        '<svg class="ic" aria-hidden="true"><use href="#i-search"/></svg>'
    )
    assert 'class="sh t-bad"' in marks.shape("crit", "t-bad")


def test_the_sprite_has_each_mark_that_was_used_once() -> None:
    marks = Marks()
    for name in ("pause", "pause", "search"):
        marks.icon(name)
    marks.shape("pause")

    sprite = marks.sprite()
    assert sprite.count("<symbol") == 3
    assert all(f'id="{each}"' in sprite for each in ("i-pause", "i-search", "s-pause"))


def test_a_colour_is_escaped() -> None:
    assert '"><script>' not in Marks().shape("ok", '"><script>')


def test_a_mark_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(KeyError):
        Marks().icon("none-such")
