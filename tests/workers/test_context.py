"""A run's ids and secrets: on each line that belongs to it, on no other, at no cost without one."""

import asyncio
import threading
import time
from contextvars import copy_context

import pytest
import structlog

from tests.workers.log_messages import (
    OddData,
    OddMessage,
    PlainData,
    PlainMessage,
    PrivateData,
    PrivateMessage,
)
from workers.context import Running, current_message, running
from workers.logger import keeping_logger
from workers.redaction import redacted

NOTE = PlainMessage(data=PlainData(note_id="n-1", row=3), correlation_id="order-7")
OTHER = PlainMessage(data=PlainData(note_id="n-2"))


class Lines(list[dict[str, object]]):
    """What was logged, and a logger that adds to it."""

    def __init__(self) -> None:
        super().__init__()
        self.log = keeping_logger("postroom.handler", lambda event: self.append(dict(event)))


@pytest.fixture
def lines() -> Lines:
    return Lines()


def test_lines_carry_the_ids_as_long_as_the_run_lasts(lines):
    with running(NOTE, job_id="job-1", attempt=2):
        lines.log.info("inside")
    lines.log.info("outside")

    inside, outside = lines
    assert list(inside)[:6] == [
        *("message_type", "job_id", "attempt", "note_id", "row", "correlation_id")
    ]
    assert (inside["job_id"], inside["attempt"], inside["row"]) == ("job-1", 2, 3)
    assert outside.keys() & inside.keys() == {"event", "level", "logger", "timestamp"}


def test_a_lines_own_value_counts_more_and_one_left_by_another_run_less(lines):
    left = structlog.contextvars.bound_contextvars(note_id="of another run", region="eu")
    with left, running(NOTE, job_id="job-1"):
        lines.log.info("line", job_id="its own")

    assert [lines[0][name] for name in ("job_id", "note_id", "region")] == ["its own", "n-1", "eu"]


def test_a_field_takes_the_place_of_no_id_and_of_no_part_of_a_line(lines):
    odd = OddData(job_id="mine", message="mine", level="mine", correlation_id="mine")
    with running(OddMessage(data=odd, correlation_id="order-7"), job_id="job-1"):
        lines.log.info("line")

    assert lines[0]["job_id"] == "job-1"
    assert lines[0]["correlation_id"] == "order-7"
    assert lines[0]["level"] == "info"
    assert "message" not in lines[0]


def test_a_run_within_a_run_has_its_own_ids_and_secrets_and_those_around_it(lines):
    outer = PrivateMessage(data=PrivateData(user="ada", pin="0815"), correlation_id="order-7")
    inner = PrivateMessage(data=PrivateData(pin="4711"))
    with running(outer, job_id="outer"):
        with running(inner, job_id="inner"):
            lines.log.info("within", text="0815 4711")
            assert current_message() is inner
        lines.log.info("after", text="0815 4711")
        assert current_message() is outer

    within, after = lines
    assert (within["job_id"], within["correlation_id"]) == ("inner", "order-7")
    assert (after["job_id"], after["user"]) == ("outer", "ada")
    assert (within["text"], after["text"]) == ("*** ***", "*** 4711")
    assert current_message() is None


def test_secrets_of_a_message_are_hidden_only_while_it_is_handled():
    message = PrivateMessage(data=PrivateData(pin="4711-0815", codes=["ab", "cdef"]))

    with running(message):
        assert redacted("card 4711-0815 of ab, cdef") == "card *** of ab, ***"
    assert redacted("card 4711-0815") == "card 4711-0815"


def test_each_task_and_each_thread_has_the_run_it_was_started_in(lines):
    async def task(message: PlainMessage) -> None:
        with running(message):
            await asyncio.sleep(0)
            thread = threading.Thread(
                target=copy_context().run, args=(lines.log.info, "in_a_thread")
            )
            thread.start()
            thread.join()
            await asyncio.create_task(say())

    async def say() -> None:
        await asyncio.sleep(0)
        lines.log.info("in_a_task")

    async def all_of_them() -> None:
        await asyncio.gather(task(NOTE), task(OTHER))

    asyncio.run(all_of_them())

    found = sorted((str(line["event"]), str(line["note_id"])) for line in lines)
    assert found == [
        *(("in_a_task", "n-1"), ("in_a_task", "n-2")),
        *(("in_a_thread", "n-1"), ("in_a_thread", "n-2")),
    ]


def test_the_end_of_a_run_comes_last_and_also_after_an_error():
    seen = []
    ending = Running(NOTE, dict, lambda: seen.append(current_message()))

    with pytest.raises(ValueError, match="oops"), ending:
        raise ValueError("oops")

    assert seen == [None]


def test_a_run_that_logs_nothing_costs_a_twentieth_of_a_line_or_less(lines):
    def silent() -> None:
        with running(NOTE, job_id="job-1", queue="default", attempt=1):
            pass

    def logging() -> None:
        with running(NOTE, job_id="job-1", queue="default", attempt=1):
            lines.log.info("line")

    def cpu_of(work, times: int) -> float:
        began = time.process_time()
        for _ in range(times):
            work()
        return (time.process_time() - began) / times

    line = min(cpu_of(logging, 100) for _ in range(5))
    assert min(cpu_of(silent, 2_000) for _ in range(5)) < line / 20
