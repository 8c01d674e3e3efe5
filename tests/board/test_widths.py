"""What is long and has no blanks stays inside of its place, at all widths."""

import pytest
from playwright.sync_api import Page
from rq import Worker

from monitoring.queues.snapshot import queue_lists
from tests.board.conftest import Visit
from tests.board.failed import workout
from tests.workers.failing import Failing, raised
from workers import enqueue

NAME = "q" * 99  # a queue may have 100 characters
ERROR = "y" * 3_000
BEYOND = """() => {
  const boxes = [document.documentElement, ...document.querySelectorAll(".scroll:has(table)")]
  return Math.max(...boxes.map(box => box.scrollWidth - box.clientWidth))
}"""


def at(page: Page, width: int) -> Page:
    page.set_viewport_size({"width": width, "height": 800})
    return page


@pytest.fixture
def job(redis) -> str:
    """A dead letter with a long error in a queue with a long name."""
    Worker(list(queue_lists(NAME)), name="one", connection=redis).register_birth()
    job_id = Failing(redis, NAME).died(raised(ERROR), message=workout())
    enqueue(workout(1), queue=NAME, connection=redis)
    return str(job_id)


def test_long_names_and_errors_are_broken(visit: Visit, job: str) -> None:
    page = visit("/jobs")

    assert at(page, 1440).evaluate(BEYOND) == 0
    assert at(page, 360).evaluate(BEYOND) == 0
    ends = (
        page.locator("tbody tr")
        .first.locator("td:not(.ck)")
        .evaluate_all("all => all.map(each => each.getBoundingClientRect().right)")
    )
    box = page.locator("td.ck input").first.bounding_box()
    assert box is not None
    assert max(ends) <= box["x"]  # no text lies under the box
    for path in (f"/jobs/{job}", f"/queues/{NAME}"):
        page.goto(page.url.rpartition("/jobs")[0] + path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_between_phones_and_desktops_nothing_is_squeezed(visit: Visit, job: str) -> None:
    page = at(visit("/workers"), 800)

    cell, find = page.locator("td.who").bounding_box(), page.locator(".find span")
    assert cell is not None
    assert cell["width"] >= 200
    assert find.evaluate("each => each.offsetHeight") < 24  # one line
