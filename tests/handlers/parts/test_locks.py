import threading
from pathlib import Path

import pytest

from handlers.parts.locks import alone
from tests.handlers.conftest import Setting
from workers import ResourceUnavailable


@pytest.mark.usefixtures("any_database")
def test_a_second_one_waits_until_the_first_is_done() -> None:
    order: list[str] = []
    entered, leave = threading.Event(), threading.Event()

    def first() -> None:
        with alone("message"):
            entered.set()
            leave.wait(10)
            order.append("first")

    def second() -> None:
        with alone("message"):
            order.append("second")

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    entered.wait(10)
    threads[1].start()
    leave.set()
    for thread in threads:
        thread.join()

    assert order == ["first", "second"]


@pytest.mark.usefixtures("any_database")
def test_who_waits_too_long_is_told_that_somebody_is_busy(setting: Setting) -> None:
    setting("DATABASE_TIMEOUT", 0.1)

    with (
        alone("message"),
        pytest.raises(ResourceUnavailable, match="still handling message message"),
        alone("message"),
    ):
        pytest.fail("two at once")


@pytest.mark.usefixtures("any_database")
def test_other_messages_do_not_wait(setting: Setting) -> None:
    setting("DATABASE_TIMEOUT", 0.1)

    with alone("one"), alone("other"):
        pass


@pytest.mark.usefixtures("any_database")
def test_it_is_given_back_when_something_is_raised(setting: Setting) -> None:
    setting("DATABASE_TIMEOUT", 0.1)

    with pytest.raises(KeyError), alone("message"):
        raise KeyError

    with alone("message"):
        pass


def test_no_file_is_left_behind_and_no_id_leads_out_of_the_folder(tmp_path: Path) -> None:
    for message_id in ("../../outside", "x" * 128, "UPPER", "\x00"):
        with alone(message_id):
            assert len(list((tmp_path / "test.sqlite3.locks").iterdir())) == 1

    assert list((tmp_path / "test.sqlite3.locks").iterdir()) == []
    assert not (tmp_path.parent / "outside").exists()
