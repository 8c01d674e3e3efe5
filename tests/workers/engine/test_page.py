"""What a worker sees of its child in the memory that they share."""

from workers.engine.page import Page


def test_a_running_job_is_shown_until_it_is_over():
    page = Page(2)
    page.start(1, b"email:high\njob\nholder-1", 5.0)
    [running] = page.running()
    assert running.list_name == "email:high"
    assert (running.job_id, running.execution) == ("job", "holder-1")
    page.end(1)
    assert page.running() == []


def test_a_slot_that_is_being_written_shows_nothing_yet():
    page = Page(1)
    page.start(0, b"", 5.0)  # as if the child was stopped before it wrote the length
    assert page.running() == []


def test_the_journal_holds_what_was_written_since_it_was_emptied():
    page = Page(1)
    page.write(b"first")
    page.clear()
    page.write(b"second")
    page.write(b"third")
    assert page.journal() == [b"second", b"third"]
    page.clear()
    assert page.journal() == []


def test_what_is_in_a_step_on_its_way_goes_when_it_arrives_and_what_came_after_stays():
    page = Page(1)
    for text in (b"first", b"second"):
        page.write(text)
    page.turn()
    page.write(b"third")
    assert sorted(page.journal()) == [b"first", b"second", b"third"]
    page.clear_older()
    assert page.journal() == [b"third"]
    page.turn()
    page.write(b"fourth")
    page.clear_older()
    assert page.journal() == [b"fourth"]


def test_each_wish_of_the_worker_is_seen_alone():
    page = Page(1)
    assert (page.is_to_stop, page.is_to_recycle) == (False, False)
    page.ask_to_recycle()
    assert (page.is_to_stop, page.is_to_recycle) == (False, True)
    page.ask_to_stop()
    assert (page.is_to_stop, page.is_to_recycle) == (True, False)
