"""Values that many ask for are made once."""

import threading
from itertools import count

import pytest

from messages import PostroomError
from monitoring.board.kept import Kept


def test_a_value_is_made_once_and_remembered_by_its_key() -> None:
    kept, made = Kept[int](60), count()

    assert [kept.get(key, lambda: next(made)) for key in "aabba"] == [0, 0, 1, 1, 0]


def test_who_wants_it_fresh_gets_one_that_was_made_after_the_question() -> None:
    kept, made = Kept[int](60), count()
    kept.get("a", lambda: next(made))

    assert kept.get("a", lambda: next(made), fresh=True) == 1


def test_what_was_forgotten_is_made_anew() -> None:
    kept, made = Kept[int](60), count()
    kept.get("a", lambda: next(made))
    kept.forget()

    assert kept.get("a", lambda: next(made)) == 1


def test_the_one_that_was_asked_for_longest_ago_is_forgotten_first() -> None:
    kept, made = Kept[int](60, most=2), count()

    assert [kept.get(key, lambda: next(made)) for key in "abacab"] == [0, 1, 0, 2, 0, 3]


def test_all_who_wait_get_what_one_makes() -> None:
    kept, made, go = Kept[int](60), count(), threading.Event()

    def slowly() -> int:
        go.wait(5)
        return next(made)

    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(kept.get("a", slowly))) for _ in range(8)
    ]
    for each in threads:
        each.start()
    go.set()
    for each in threads:
        each.join(5)

    assert found == [0] * 8


def test_an_old_value_does_while_a_new_one_is_made_beside_it(eventually) -> None:
    kept, go = Kept[int](0, stale=60), threading.Event()
    kept.get("a", lambda: 0)

    def slowly() -> int:
        go.wait(5)
        return 1

    assert kept.get("a", slowly) == 0
    go.set()
    eventually(lambda: kept.get("a", slowly) == 1)


def test_what_goes_wrong_is_told_and_not_remembered() -> None:
    kept = Kept[int](60)

    def wrong() -> int:
        raise PostroomError("It broke.")

    with pytest.raises(PostroomError):
        kept.get("a", wrong)
    assert kept.get("a", lambda: 7) == 7
