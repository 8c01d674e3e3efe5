import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.parts.markdown import clean, visible
from handlers.parts.titles import MAX_TITLE, shorten, title_of

_PIECES = st.sampled_from(
    [
        *("# ", "## x", "#y", "- ", "* ", "+ ", "• ", "1. ", "1) a", "> ", ">", "```", "`````"),
        *("~~~", "`", "---", "***", "===", "    ", "\t", "  ", "\n", "\n\n", "a", "b c", "**d**"),
        *("[l](u)", "\u200b", "\r\n", "\u2028", " #", "\x00", "é", "[ ] "),
    ]
)
NOTES = st.one_of(st.text(max_size=120), st.lists(_PIECES, max_size=30).map("".join))
CODE_LINES = st.text(st.sampled_from("ab \t#*-`=>1."), max_size=12)

few = settings(max_examples=100, deadline=None)


@few
@given(NOTES)
def test_clean_text_stays_as_it_is(note: str) -> None:
    cleaned = clean(note)

    assert clean(cleaned) == cleaned


@few
@given(NOTES)
def test_no_letter_and_no_digit_is_lost_or_moved(note: str) -> None:
    kept = [char for char in visible(note) if char.isalnum()]

    assert [char for char in clean(note) if char.isalnum()] == kept


@few
@given(NOTES)
def test_no_control_character_is_left(note: str) -> None:
    assert not {char for char in clean(note) if ord(char) < 32} - {"\n", "\t"}


@few
@given(NOTES)
def test_a_title_is_one_line_of_1_to_50_characters(note: str) -> None:
    title = title_of(clean(note))

    assert 1 <= len(title) <= MAX_TITLE
    assert title.split() == title.split(" ")


@few
@given(st.lists(CODE_LINES, min_size=1, max_size=5))
def test_code_between_fences_is_kept_to_the_last_space(lines: list[str]) -> None:
    code = "\n".join(lines)

    cleaned = clean(f"before\n~~~~~python\n{code}\n~~~~~\nafter")

    assert cleaned == f"before\n\n~~~~~python\n{code}\n~~~~~\n\nafter"


@pytest.mark.parametrize(
    ("messy", "tidy"),
    [
        ("  a   b\t c  ", "a b c"),
        ("a\r\n\r\n\r\n\r\nb\rc", "a\n\nb\nc"),
        ("a\x07b\u200bc\ufeff", "abc"),
        ("* a\n+ b\n• c\n- d", "- a\n- b\n- c\n- d"),
        ("- a\n    - b\n      more", "- a\n    - b\n      more"),
        ("1) a\n2)  b", "1. a\n2. b"),
        ("Title\n=====\ntext", "# Title\n\ntext"),
        ("Title\n-----", "## Title"),
        ("- a\n  b\n---", "- a\n  b\n\n---"),
        ("##Title##", "## Title"),
        ("##C# is #1", "## C# is #1"),
        ("##Title ##\ntext", "## Title\n\ntext"),
        ("#hashtag stays", "#hashtag stays"),
        ("text\n***\ntext", "text\n\n---\n\ntext"),
        (">quoted\n>  twice", "> quoted\n> twice"),
        ("text\n\n\tx  =  1\n\ty", "text\n\n```\nx  =  1\ny\n```"),
        ("```\nnever closed\n\n", "```\nnever closed\n```"),
        ("`a   b`  c", "`a   b` c"),
        ("- a\n  ```\n  code\n  ```\n- b", "- a\n  ```\n  code\n  ```\n- b"),
        ("text\n- item\ntext", "text\n\n- item\ntext"),
        ("", ""),
        (" \n\t\n", ""),
    ],
)
def test_each_kind_of_mess_has_one_tidy_form(messy: str, tidy: str) -> None:
    assert clean(messy) == tidy


@pytest.mark.parametrize(
    ("note", "title"),
    [
        ("first\n\n# The heading\n", "The heading"),
        ("- [x] **Buy** [milk](http://x)", "Buy milk"),
        ("> `code` first", "code first"),
        ("```\ncode\n```\n\nafter the code", "after the code"),
        ("```\ncode only\n```", "Untitled note"),
        ("", "Untitled note"),
        ("snake_case_names stay", "snake_case_names stay"),
        ("A sentence to keep. And one that is too long for it.", "A sentence to keep"),
    ],
)
def test_a_title_is_the_first_heading_or_the_first_words(note: str, title: str) -> None:
    assert title_of(clean(note)) == title


def test_a_line_is_cut_between_two_words() -> None:
    assert shorten("word " * 20) == "word word word word word word word word word word…"
    assert shorten("x" * 51) == "x" * 49 + "…"
    assert shorten("x" * 50) == "x" * 50
