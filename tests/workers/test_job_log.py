"""What a handler logs is kept with its job: in batches, within limits, as long as the job."""

import json
import time

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.workers.conftest import settled
from workers import job_log, keys
from workers.context import Progress
from workers.job_log import JobLog
from workers.logger import keeping_logger

JOB = "job-1"


def a_log(redis: Redis, **changes: object) -> JobLog:
    given = {"job_id": JOB, "connection": redis, "ttl": 1000, "ttl_if_done": 100}
    return JobLog(**(given | changes))


def event(name: str = "line_written", **values: object) -> dict[str, object]:
    return {"timestamp": "2026-01-15T12:00:00Z", "level": "info", "event": name, **values}


def sizes(redis: Redis) -> list[int]:
    return [len(entry.split(b" ", 2)[2]) for entry in redis.lrange(keys.job_log(JOB), 0, -1)]


def commands(redis: Redis) -> int:
    """Script calls the server has seen."""
    return redis.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"]


def test_lines_are_read_in_order_with_their_numbers(redis):
    log = a_log(redis)
    for number in range(3):
        log.keep(event(number=number))
    log.close()

    found = job_log.lines(JOB, connection=redis)

    assert [line.number for line in found] == [1, 2, 3]
    assert [line.entry["number"] for line in found] == [0, 1, 2]
    assert dict(found[0].entry) == {
        "timestamp": "2026-01-15T12:00:00Z",
        "level": "INFO",
        "message": "Line written",
        "module": "",
        "event": "line_written",
        "number": 0,
    }


def test_one_can_go_on_reading_after_a_line(redis):
    log = a_log(redis)
    for number in range(250):
        log.keep(event(number=number))
    log.close()

    page = job_log.lines(JOB, after=100, limit=50, connection=redis)

    assert [line.number for line in page] == list(range(101, 151))
    assert job_log.lines(JOB, after=250, connection=redis) == ()
    assert [line.number for line in job_log.last_lines(JOB, 2, connection=redis)] == [249, 250]


def test_the_newest_thousand_lines_are_kept(redis):
    log = a_log(redis)
    for number in range(1_234):
        log.keep(event(number=number))
    log.close()

    found = job_log.lines(JOB, connection=redis)

    assert len(found) == job_log.kept(JOB, connection=redis) == job_log.MOST_LINES
    assert (found[0].number, found[-1].number) == (235, 1_234)


@pytest.mark.parametrize("length", [300, 7_000])
def test_at_most_256_kilobytes_are_kept_and_not_much_less(redis, length):
    log = a_log(redis)
    for number in range(1_500):
        log.keep(event(number=number, text="x" * length))
    log.close()

    stored = sum(sizes(redis))
    assert job_log.MOST_BYTES - max(sizes(redis)) < stored <= job_log.MOST_BYTES
    assert job_log.last_lines(JOB, 1, connection=redis)[0].entry["number"] == 1_499


@pytest.mark.parametrize("text", ["x" * 50_000, "ö" * 50_000, '"\n' * 20_000, "\ud800" * 9_000])
def test_a_long_line_is_cut_and_stays_readable(redis, text):
    log = a_log(redis)
    log.keep(event(text=text, other="whole", nested={"a": text}))
    log.close()

    [line] = job_log.lines(JOB, connection=redis)
    assert 4_000 < sizes(redis)[0] <= job_log.LONGEST_LINE
    assert line.entry["other"] == "whole"
    assert line.entry["text"].endswith("…")


def test_a_line_of_very_many_values_keeps_its_sentence(redis):
    log = a_log(redis)
    log.keep(event(**{f"value_{number}": number for number in range(2_000)}))
    log.close()

    [line] = job_log.lines(JOB, connection=redis)
    assert line.entry["message"] == "Line written"
    assert sizes(redis)[0] <= job_log.LONGEST_LINE


def test_ten_thousand_lines_take_a_hundred_round_trips(redis):
    log = a_log(redis)
    before = commands(redis)
    for number in range(10_000):
        log.keep(event(number=number))
        log.report(Progress(number / 10_000))
    log.close()

    # One for each hundred lines, and one for each second it took.
    assert 100 <= commands(redis) - before <= 110


def test_a_single_line_is_there_within_about_a_second_and_no_thread_stays(redis, eventually):
    log = a_log(redis)
    log.keep(event())

    assert job_log.kept(JOB, connection=redis) == 0
    eventually(lambda: job_log.kept(JOB, connection=redis), within=3)
    eventually(lambda: log._timer is None)


def test_the_lines_live_as_long_as_the_job(redis):
    log = a_log(redis)
    log.keep(event())
    log.report(Progress(0.5))
    log.flush()
    assert 900 < redis.ttl(keys.job_log(JOB)) <= 1000

    log.close()

    assert 90 < redis.ttl(keys.job_log(JOB)) <= 100
    assert 90 < redis.ttl(keys.progress(JOB)) <= 100


def test_the_lines_of_a_failed_run_live_as_long_as_the_failed_job(redis):
    log = a_log(redis)
    log.keep(event())
    log.failed = True
    log.close()

    assert 900 < redis.ttl(keys.job_log(JOB)) <= 1000


@pytest.mark.parametrize(("ttl", "left"), [(-1, -1), (0, -2)])
def test_a_job_that_is_kept_for_ever_or_not_at_all_has_such_lines(redis, ttl, left):
    log = a_log(redis, ttl_if_done=ttl)
    log.keep(event())
    log.close()

    assert redis.ttl(keys.job_log(JOB)) == left


def test_a_silent_run_writes_nothing(redis):
    before = commands(redis)

    a_log(redis).close()

    assert commands(redis) == before
    assert redis.keys("*") == []


def test_only_the_newest_progress_of_a_batch_is_a_line(redis):
    log = a_log(redis)
    for number in range(50):
        log.report(Progress(number / 100, f"{number} of 100"))
    log.close()

    [line] = job_log.lines(JOB, connection=redis)
    assert line.entry["message"] == "49%: 49 of 100"
    assert redis.hgetall(keys.progress(JOB)) == {b"share": b"0.49", b"note": b"49 of 100"}


def test_lines_wait_while_redis_is_away_and_the_job_goes_on(redis, monkeypatch, eventually):
    log = a_log(redis)
    away = {"calls": 0}

    def refuse(*_: object) -> None:
        away["calls"] += 1
        raise RedisConnectionError("away")

    with monkeypatch.context() as broken:
        broken.setattr(log, "_send", refuse)
        for number in range(1_500):
            log.keep(event(number=number))
        calls = away["calls"]
        log.flush()
    eventually(lambda: job_log.kept(JOB, connection=redis), within=3)

    assert calls <= 2, "each line waited for Redis"
    found = job_log.lines(JOB, connection=redis)
    assert found[-1].entry["number"] == 1_499
    assert len(found) == job_log.MOST_LINES


def test_what_stands_there_unreadable_is_left_out(redis):
    redis.rpush(keys.job_log(JOB), b"1 5 {oops", b"2 9 [1]", b'3 11 {"message": "good"}')

    assert [line.number for line in job_log.lines(JOB, connection=redis)] == [3]


def test_a_logger_keeps_lines_below_the_log_level_but_not_debug(redis):
    log = a_log(redis)
    logger = keeping_logger("postroom.handler", log.keep)
    logger.debug("too_fine")
    logger.info("just_right", password="hunter2hunter2")
    log.close()

    [line] = job_log.lines(JOB, connection=redis)
    assert line.entry["event"] == "just_right"
    assert line.entry["password"] == "***"


# --- under a real worker ----------------------------------------------------------------------


@pytest.fixture
def start_logging(start_worker):
    def start(ready: str = "Listening on", **env: str):
        return start_worker(env={"HANDLER_PACKAGES": "tests.workers.log_app", **env}, ready=ready)

    return start


def entries(redis, handle):
    return [dict(line.entry) for line in job_log.lines(handle.id, connection=redis)]


def test_a_handlers_lines_are_kept_whether_it_succeeds_or_fails(redis, send, start_logging):
    done, failed, silent = send("levels"), send("fail"), send("echo")
    threads = send("threads")

    start_logging("About to fail", LOG_LEVEL="WARNING")

    assert [settled(each) for each in (done, failed, silent, threads)] == [
        "finished",
        "failed",
        "finished",
        "finished",
    ]
    [line] = entries(redis, done)
    assert (line["message"], line["event"], line["level"]) == ("Just right", "just_right", "INFO")
    assert line["attempt"] == 1
    assert "job_id" not in line
    assert [each["event"] for each in entries(redis, failed)] == ["about_to_fail"]
    assert len(entries(redis, threads)) == 5
    assert entries(redis, silent) == []
    assert redis.ttl(keys.job_log(done.id)) <= 24 * 3600 < redis.ttl(keys.job_log(failed.id))


def test_lines_and_progress_are_seen_while_the_job_runs(redis, send, start_logging, eventually):
    start_logging()
    handle = send("one and wait", new_value=2)

    eventually(lambda: entries(redis, handle), within=8)

    assert handle.status() == "started"
    assert {line["event"] for line in entries(redis, handle)} == {"before_the_wait", "progress"}
    assert redis.hget(keys.progress(handle.id), "share") == b"0.5"


def test_lines_are_kept_when_the_time_is_up(redis, send, start_logging, eventually):
    start_logging()
    began = time.monotonic()
    handle = send("one and wait", new_value=30, timeout=1, attempts=1)

    assert settled(handle) == "failed"
    assert time.monotonic() - began < 10
    eventually(lambda: entries(redis, handle))
    assert "before_the_wait" in [line["event"] for line in entries(redis, handle)]


def test_a_killed_process_loses_at_most_the_last_second(redis, send, start_logging, eventually):
    start_logging()
    handle = send("die", new_value=1.3, attempts=1)

    eventually(lambda: entries(redis, handle), within=8)

    assert entries(redis, handle)[0]["event"] == "before_the_death"


def test_a_handler_that_logs_much_keeps_its_newest_lines(redis, send, start_logging):
    start_logging()
    handle = send("many", new_value=1_200)

    assert settled(handle) == "finished"
    found = job_log.lines(handle.id, connection=redis)
    assert len(found) == job_log.MOST_LINES
    assert found[-1].number >= 1_200
    assert json.dumps(dict(found[-1].entry))
