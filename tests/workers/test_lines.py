"""The prepared lines of jobs: the same as all others, in order, none lost, and cheap."""

import io
import json
import logging
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workers.conftest import ROOT
from tests.workers.log_messages import (
    Colour,
    KeyData,
    KeyMessage,
    MixedData,
    MixedMessage,
    OddData,
    OddMessage,
    PlainData,
    PlainMessage,
    PrivateData,
    PrivateMessage,
)
from workers.context import running
from workers.lines import JobLines
from workers.logger import get_logger
from workers.logs import configure_logs
from workers.redaction import read_secrets_anew
from workers.settings import Settings

TOKEN = "hunter2hunter2"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
NOTE = PlainMessage(data=PlainData(note_id="note-123"), correlation_id="order-7")

log = get_logger("postroom.jobs")


@dataclass
class Log:
    """A log file, and how much of it was read."""

    path: Path
    stderr: io.StringIO
    read: int = 0

    def new(self) -> list[str]:
        with self.path.open() as file:
            file.seek(self.read)
            text = file.read()
            self.read = file.tell()
        return text.splitlines()

    def events(self) -> list[str]:
        return [json.loads(line)["event"] for line in self.new()]


Configure = Callable[..., Log]


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Configure]:
    """Set up the log of this very process; afterwards it is as it was."""
    monkeypatch.setenv("SOMEBODYS_TOKEN", TOKEN)
    names = ("postroom", "rq.worker", "rq.job", "rq.scheduler", "rq.queue", "rq.registry")
    loggers = [logging.getLogger(name) for name in names]
    before = [(each.handlers[:], each.level, each.propagate) for each in loggers]
    for logger in loggers:
        logger.handlers = []  # else they would be closed
    config = structlog.get_config()
    root = logging.getLogger()
    of_root = root.handlers[:]

    def configure(**changes: object) -> Log:
        err = io.StringIO()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", err)
            configure_logs(Settings(log_file=tmp_path / "rq.log", **changes))
        return Log(tmp_path / "rq.log", err)

    yield configure
    for handler in logging.getLogger("postroom").handlers:
        handler.close()
    root.handlers = of_root
    for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)
    structlog.configure(**config)
    monkeypatch.undo()
    read_secrets_anew()


def both(lines: JobLines, message: object, job_id: str, queue: str = "default") -> None:
    lines.started(message, job_id=job_id, queue=queue, attempt=1)
    lines.completed(message, job_id=job_id, queue=queue, attempt=1, duration_ms=1.5)


texts = st.one_of(
    st.from_regex(r"[A-Za-z0-9_.:\-]{1,20}", fullmatch=True),
    st.sampled_from([TOKEN, f"a{TOKEN}b", "x-api-key:abc", "token=abc", "redis://:pw@h", "0815"]),
    st.text(max_size=30),
)
maybe = st.none() | texts
payloads = st.one_of(
    st.builds(
        PlainMessage,
        data=st.builds(PlainData, note_id=maybe, row=st.none() | st.integers()),
        correlation_id=maybe,
        traceparent=st.sampled_from([None, TRACE, "no trace"]),
    ),
    st.builds(
        MixedMessage,
        message_type=st.sampled_from(["LOG_MIXED", 'LOG "ödd"']),
        data=st.builds(
            MixedData,
            entity=maybe | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
            colour=st.sampled_from([None, Colour.RED]),
            tags=st.none() | st.lists(texts, max_size=3),
            größe=st.none() | st.floats(allow_nan=False, allow_infinity=False),
        ),
        correlation_id=maybe,
        traceparent=st.sampled_from([None, TRACE]),
    ),
    st.builds(
        OddMessage,
        data=st.builds(OddData, **dict.fromkeys(OddData.model_fields, maybe)),
        correlation_id=maybe,
    ),
    st.builds(KeyMessage, data=st.builds(KeyData, api_token=maybe)),
    st.builds(
        PrivateMessage,
        data=st.builds(
            PrivateData,
            user=maybe,
            names=st.none() | st.lists(texts, max_size=2),
            pin=maybe,
            codes=st.lists(texts, max_size=2),
        ),
        correlation_id=maybe,
    ),
)


def test_for_any_message_the_lines_are_those_that_structlog_would_write(configured):
    file = configured()
    lines = JobLines(Settings())

    @given(
        message=payloads,
        start=st.tuples(texts, texts, st.integers(1, 10**9)),
        duration_ms=st.integers(0, 10**9) | st.floats(0, 1e9),
        moment=st.datetimes(datetime(2001, 1, 1), datetime(2099, 1, 1)),  # noqa: DTZ001 - as hypothesis asks
    )
    @settings(max_examples=200, deadline=None)
    def are_the_same(message, start, duration_ms, moment):
        ids = dict(zip(("job_id", "queue", "attempt"), start, strict=True))
        with time_machine.travel(moment.replace(tzinfo=UTC), tick=False):
            with running(message, **ids):
                log.info("job_started")
                log.info("job_completed", duration_ms=duration_ms)
            expected = file.new()
            lines.started(message, **ids)
            lines.completed(message, **ids, duration_ms=duration_ms)
            lines.completed(message, **ids, duration_ms=duration_ms)  # of a batch before
            lines.flush()

        assert file.new() == [*expected, expected[1]]
        assert len(expected) == 2

    are_the_same()


def test_a_number_that_is_a_secret_is_in_no_line_and_our_own_numbers_stay(configured, monkeypatch):
    monkeypatch.setenv("SOMEBODYS_TOKEN", "987650")
    file = configured()
    lines = JobLines(Settings())
    card = PrivateMessage(data=PrivateData(pin="4711"))
    both(lines, PlainMessage(data=PlainData(row=987650)), "job-1")
    lines.completed(card, job_id="job-2", queue="default", attempt=4711, duration_ms=4711)
    lines.flush()
    with running(card, attempt=4711):
        log.info("told", duration_ms=4711, number=4711)

    *jobs, card_line, told = (json.loads(line) for line in file.new())
    assert [line["row"] for line in jobs] == ["***", "***"]
    assert [card_line[name] for name in ("attempt", "duration_ms")] == [4711, 4711]
    assert [told[name] for name in ("attempt", "duration_ms", "number")] == [4711, 4711, "***"]


def test_what_a_line_says_and_in_which_order(configured):
    file = configured()
    message = PlainMessage(data=PlainData(note_id="n-1", row=3), traceparent=TRACE)
    lines = JobLines(Settings())
    before = datetime.now(UTC)
    both(lines, message, "job-1")
    after = datetime.now(UTC)
    time.sleep(0.01)  # what follows is later, and not in the line
    lines.flush()

    started, completed = (json.loads(line) for line in file.new())
    assert before <= datetime.fromisoformat(completed.pop("timestamp")) <= after
    assert list(started) == [
        *("timestamp", "level", "message", "module", "event"),
        *("message_type", "job_id", "queue", "attempt", "note_id", "row", "trace_id"),
    ]
    assert list(completed.items()) == [
        ("level", "INFO"),
        ("message", "Completed LOG_PLAIN job-1 in 1.5 ms"),
        ("module", "postroom.jobs"),
        ("event", "job_completed"),
        ("message_type", "LOG_PLAIN"),
        ("job_id", "job-1"),
        ("queue", "default"),
        ("attempt", 1),
        ("note_id", "n-1"),
        ("row", 3),
        ("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"),
        ("duration_ms", 1.5),
    ]


def test_lines_wait_for_the_end_of_the_batch_and_go_to_both_targets(configured):
    file = configured()
    lines = JobLines(Settings())
    for number in range(3):
        both(lines, NOTE, f"job-{number}")

    assert file.new() == []
    lines.flush()
    written = file.new()
    assert [json.loads(line)["job_id"][-1] for line in written] == list("001122")
    assert file.stderr.getvalue().splitlines() == written
    lines.flush()
    assert file.new() == []


def test_another_line_is_written_after_those_that_wait(configured):
    file = configured()
    lines = JobLines(Settings())
    lines.started(NOTE, job_id="job-1", queue="default", attempt=1)
    log.warning("said_between")
    lines.completed(NOTE, job_id="job-1", queue="default", attempt=1, duration_ms=1)
    logging.getLogger("rq.worker").info("Said by RQ")

    assert file.events() == ["job_started", "said_between", "job_completed", "said_by_rq"]


def test_a_message_of_another_attempt_has_its_own_line(configured):
    file = configured()
    lines = JobLines(Settings())
    lines.started(NOTE, job_id="job-1", queue="default", attempt=1)
    lines.completed(NOTE, job_id="job-1", queue="default", attempt=2, duration_ms=1)
    lines.flush()

    assert [json.loads(line)["attempt"] for line in file.new()] == [1, 2]


def test_a_thousand_lines_do_not_wait_any_longer(configured):
    file = configured()
    lines = JobLines(Settings())
    for number in range(750):
        both(lines, NOTE, f"job-{number}")

    assert len(file.new()) == 1_000


@pytest.mark.parametrize("changes", [{"log_jobs": "failures"}, {"log_level": "WARNING"}])
def test_who_does_not_want_them_has_none(configured, changes):
    file = configured(**changes)
    lines = JobLines(Settings(**changes))
    both(lines, NOTE, "job-1")
    lines.flush()

    assert file.new() == []


def test_people_at_the_terminal_see_them_and_the_file_stays_json(configured):
    file = configured(log_format="console")
    lines = JobLines(Settings())
    both(lines, NOTE, "job-1")

    assert file.events() == ["job_started", "job_completed"]
    assert re.search(r"job_completed .*note_id=note-123", file.stderr.getvalue())


def test_the_handler_of_somebody_else_is_given_each_event(configured):
    seen = []

    class Foreign(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record.msg["event"])

    configured()
    logging.getLogger("postroom").addHandler(Foreign())
    both(JobLines(Settings()), NOTE, "job-1")

    assert seen == ["job_started", "job_completed"]


def test_what_is_bound_for_the_whole_worker_is_part_of_them(configured):
    file = configured()
    lines = JobLines(Settings())
    with structlog.contextvars.bound_contextvars(region="eu"):
        both(lines, NOTE, "job-1")
    lines.flush()

    assert [json.loads(line)["region"] for line in file.new()] == ["eu", "eu"]


def test_a_queue_that_the_secret_of_one_message_hides_is_shown_for_the_next(configured):
    file = configured()
    lines = JobLines(Settings())
    secret = PrivateMessage(data=PrivateData(pin="payments"))
    other = PrivateMessage(data=PrivateData(pin="other"))
    for message in (secret, other):
        with running(message):
            lines.started(message, job_id="job-1", queue="payments", attempt=1)
    lines.flush()

    assert [json.loads(line)["queue"] for line in file.new()] == ["***", "payments"]


def test_a_secret_of_the_message_is_hidden_whole_where_only_the_queue_holds_it(configured):
    file = configured()
    lines = JobLines(Settings())
    message = PrivateMessage(data=PrivateData(pin="token=abc,xyz"))
    both(lines, message, "job-1", queue="token=abc,xyz")
    lines.flush()

    assert [json.loads(line)["queue"] for line in file.new()] == ["***", "***"]


def test_a_signal_in_the_middle_of_a_write_loses_and_doubles_nothing(configured):
    file = configured()
    lines = JobLines(Settings())
    target = logging.getLogger("postroom").handlers[1]
    both(lines, NOTE, "job-1")
    target.acquire()  # as in the middle of a write of this thread
    lines.flush()
    target.release()

    assert file.new() == []
    lines.flush()
    assert file.events() == ["job_started", "job_completed"]


SETUP = """
import os, sys
from pathlib import Path
from tests.workers.log_messages import PlainData, PlainMessage
from workers.lines import JobLines
from workers.logger import get_logger
from workers.logs import configure_logs
from workers.settings import Settings

configure_logs(Settings(log_file=Path(sys.argv[1])))
lines = JobLines(Settings())

def started(job_id, note="note-1"):
    message = PlainMessage(data=PlainData(note_id=note))
    lines.started(message, job_id=job_id, queue="default", attempt=1)
    return message

def completed(message, job_id):
    lines.completed(message, job_id=job_id, queue="default", attempt=1, duration_ms=2)
"""


def in_a_process(code: str, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", SETUP + code, *words], cwd=ROOT, stderr=subprocess.PIPE
    )


def test_what_was_flushed_survives_an_end_without_goodbye(tmp_path):
    path = tmp_path / "rq.log"
    process = in_a_process(
        "completed(started('job-1'), 'job-1'); lines.flush(); os._exit(3)", str(path)
    )
    told = process.communicate(timeout=30)[1]

    assert process.returncode == 3
    assert len(path.read_text().splitlines()) == len(told.splitlines()) == 2


FORKS = """
completed(started("before"), "before")
message = started("across")
child = os.fork()
if not child:
    completed(started("child"), "child")
    lines.flush()
    os._exit(0)
os.waitpid(child, 0)
completed(message, "across")
lines.flush()
os._exit(0)
"""


def test_a_fork_neither_loses_nor_doubles_a_line(tmp_path):
    path = tmp_path / "rq.log"
    process = in_a_process(FORKS, str(path))
    process.communicate(timeout=30)

    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["job_id"], line["event"].removeprefix("job_")) for line in found] == [
        ("before", "started"),
        ("before", "completed"),
        ("across", "started"),
        ("child", "started"),
        ("child", "completed"),
        ("across", "completed"),
    ]


MANY = """
for number in range(1_500):
    job_id = f"{sys.argv[2]}-{number}"
    completed(started(job_id, "x" * 2_000), job_id)
    if number % 50 == 0:
        get_logger("postroom.x").info("fifty_jobs_handled")
lines.flush()
"""


def test_several_processes_rotate_their_file_and_lose_no_line(tmp_path):
    writers = [in_a_process(MANY, str(tmp_path / "rq.log"), name) for name in "ab"]
    for writer in writers:
        writer.communicate(timeout=60)

    files = sorted(tmp_path.glob("rq.log*"))
    found = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    ended = [line["job_id"] for line in found if line["event"] == "job_completed"]
    assert len(files) == 2
    assert sorted(ended) == sorted(f"{name}-{at}" for name in "ab" for at in range(1_500))


def cpu_of(work: Callable[[], object], times: int) -> float:
    """Seconds of CPU for one call, the least of five rounds."""

    def once() -> float:
        began = time.process_time()
        for _ in range(times):
            work()
        return (time.process_time() - began) / times

    return min(once() for _ in range(5))


def test_a_prepared_line_costs_a_tenth_of_an_ordinary_one_or_less(configured):
    configured()
    lines = JobLines(Settings())

    def ordinary() -> None:
        with running(NOTE, job_id=NOTE.message_id, queue="default", attempt=1):
            log.info("job_started")
            log.info("job_completed", duration_ms=1.5)

    def batch() -> None:
        for _ in range(50):
            both(lines, NOTE, NOTE.message_id)
        lines.flush()

    assert cpu_of(batch, 4) / 50 < cpu_of(ordinary, 40) / 10
