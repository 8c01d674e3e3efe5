import pytest

from monitoring.words import first_line, listed, number, size, span


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (0.94, "0.9 s"),
        (1, "1 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7_199, "119 min"),
        (7_200, "2 h"),
        (172_799, "47 h"),
        (172_800, "2 d"),
    ],
)
def test_a_span_is_told_in_the_unit_that_fits(seconds: float, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_000, "1.0 kB"), (2.5e6, "2.5 MB"), (1e9, "1.0 GB")],
)
def test_a_size_is_told_in_the_unit_that_fits(count: float, text: str) -> None:
    assert size(count) == text


def test_a_noun_agrees_with_its_number() -> None:
    assert [number(count, "job") for count in (0, 1, 1_204)] == ["0 jobs", "1 job", "1,204 jobs"]


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (list("abcdefg"), "a, b, c, d, e and 2 more"),
    ],
)
def test_names_are_listed_and_many_are_counted(names: list[str], text: str) -> None:
    assert listed(names) == text


def test_of_an_error_the_first_line_is_told_and_a_word_where_it_has_none() -> None:
    assert first_line("\n  closed\n  at 17\n") == "closed"
    assert first_line(" \n", "TypeError") == "TypeError"
