"""Log lines: their shape under real workers, their file, and what never stands in them."""

import json
import re
import subprocess
import sys

import pytest

from messages import NoteEnrichmentData, NoteEnrichmentMessage
from tests.workers.conftest import ROOT, settled
from workers import enqueue
from workers.context import trace_id
from workers.logs import in_shape
from workers.redaction import redacted, redacted_value

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
AHEAD = ["timestamp", "level", "message", "module", "event"]


def json_lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


@pytest.fixture
def start_logging(start_worker):
    def start(**env: str):
        return start_worker(
            env={"HANDLER_PACKAGES": "tests.workers.log_app", **env},
            queues=("default", "note_enrichment"),
            ready="default",
        )

    return start


def test_every_line_of_a_worker_is_json_in_the_promised_shape(redis, send, start_logging, tmp_path):
    log = tmp_path / "rq.log"
    worker = start_logging(LOG_FILE=str(log))
    settled(send("levels"))
    settled(send("fail"))
    worker.process.end()

    entries = [json.loads(line) for line in log.read_text().splitlines()]
    assert all(list(entry)[:5] == AHEAD for entry in entries)
    assert all(re.fullmatch(r"[\d-]+T[\d:.]+Z", entry["timestamp"]) for entry in entries)
    assert {entry["level"] for entry in entries} == {"INFO", "WARNING", "ERROR"}
    assert all(re.fullmatch(r"[a-z0-9_]+", entry["event"]) for entry in entries)
    assert {"job_started", "job_completed", "job_buried", "about_to_fail"} <= {
        entry["event"] for entry in entries
    }
    assert any(entry["module"] == "rq.worker" for entry in entries), "RQ's own lines are missing"
    told = [entry["event"] for entry in json_lines(worker.process.output())]
    assert [entry["event"] for entry in entries] == told


def test_the_lines_of_a_job_carry_its_ids_and_those_of_its_entities(redis, start_logging):
    worker = start_logging()
    note = NoteEnrichmentMessage(
        data=NoteEnrichmentData(note_id="note-123"),
        correlation_id="order-7",
        traceparent=f"00-{TRACE}-00f067aa0ba902b7-01",
    )
    settled(enqueue(note, connection=redis))

    seen = [entry for entry in json_lines(worker.process.output()) if "note_id" in entry]
    assert [entry["event"] for entry in seen] == ["job_started", "note_seen", "job_completed"]
    for entry in seen:
        assert entry["job_id"] == note.message_id
        assert entry["message_type"] == "NOTE_ENRICHMENT"
        assert entry["attempt"] == 1
        assert entry["note_id"] == "note-123"
        assert entry["correlation_id"] == "order-7"
        assert entry["trace_id"] == TRACE


def test_the_applications_own_loggers_are_part_of_the_log(redis, send, start_logging):
    worker = start_logging()
    settled(send("libraries"))

    lines = {str(entry["message"]): entry for entry in json_lines(worker.process.output())}
    assert lines["The application's own line"]["level"] == "INFO"
    assert lines["A library warns: 3 left"]["event"] == "a_library_warns_left"
    assert lines["A library warns: 3 left"]["job_id"]
    assert "A library chats" not in lines


def test_the_file_is_json_when_people_read_the_terminal(redis, send, start_logging, tmp_path):
    log = tmp_path / "rq.log"
    worker = start_logging(LOG_FILE=str(log), LOG_FORMAT="console")
    settled(send("levels"))

    assert "Just right" in worker.process.output()
    assert "Listening on" in worker.process.output()
    assert "_sentence=" not in worker.process.output()
    assert json_lines(worker.process.output()) == []
    assert "just_right" in {entry["event"] for entry in json_lines(log.read_text())}
    assert "\x1b" not in log.read_text()


WRITER = """
import sys
from pathlib import Path
from workers.logger import get_logger
from workers.logs import configure_logs
from workers.settings import Settings

configure_logs(Settings(log_file=Path(sys.argv[1])))
log = get_logger("postroom.test")
for number in range(1_100):
    log.info("line_written", writer=sys.argv[2], number=number, text="x" * 8_000)
"""


def test_several_processes_rotate_one_file_at_ten_megabytes_and_lose_no_line(tmp_path):
    log = tmp_path / "logs" / "rq.log"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(log), name], cwd=ROOT, stderr=subprocess.DEVNULL
        )
        for name in "ab"
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0]

    files = sorted(log.parent.glob("rq.log*"))
    found = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    assert [file.name for file in files] == ["rq.log", "rq.log.1"]
    assert all(file.stat().st_size < 10_000_000 + 9_000 for file in files), "one line more"
    assert sorted((entry["writer"], entry["number"]) for entry in found) == [
        (name, number) for name in "ab" for number in range(1_100)
    ]


def test_a_file_that_cannot_be_written_stops_the_worker_with_its_remedy(
    redis, redis_server, start_process, tmp_path
):
    (tmp_path / "file").touch()
    process = start_process(
        *("rq", "worker", "-w", "workers.MessageWorker", "-c", "worker_settings", "default"),
        env={"REDIS_URL": redis_server.url, "LOG_FILE": str(tmp_path / "file" / "rq.log")},
        cwd=ROOT,
    )

    assert process.popen.wait(20) != 0
    assert "The log cannot be written to" in process.output()
    assert "Correct it" in process.output()


def shaped(**values: object) -> dict[str, object]:
    return in_shape({"timestamp": "t", "level": "info", "event": "note_stored", **values})


def test_a_message_of_ones_own_is_the_sentence():
    assert shaped(message="All of it is stored.")["message"] == "All of it is stored."
    assert shaped()["message"] == "Note stored"
    assert shaped(event="Note 5 stored!")["event"] == "note_5_stored"
    assert "gone" not in shaped(gone=None)


def test_a_handlers_value_cannot_take_the_place_of_the_shape():
    assert shaped(module="mine", logger="postroom.handler")["module"] == "postroom.handler"


@pytest.mark.parametrize(
    ("traceparent", "expected"),
    [
        (f"00-{TRACE}-00f067aa0ba902b7-01", TRACE),
        (f"01-{TRACE}-00f067aa0ba902b7-01-more", TRACE),
        ("00-short-00f067aa0ba902b7-01", None),
        ("", None),
        (None, None),
    ],
)
def test_the_trace_id_is_the_traceparents(traceparent, expected):
    assert trace_id(traceparent) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("redis://:pw@host:1/0 is away", "redis://:***@host:1/0 is away"),
        ("rediss://ada:p%40w@host", "rediss://ada:***@host"),
        ("a postgresql://u:p@h/n, b amqp://u:q@h", "a postgresql://u:***@h/n, b amqp://u:***@h"),
        ("https://hooks.example.com/a?token=abc&x=1", "https://hooks.example.com/a?token=***&x=1"),
        ("{'Authorization': 'Bearer abc.def1', 'n': 1}", "{'Authorization': 'Bearer ***', 'n': 1}"),
        ("X-Api-Key: abc123", "X-Api-Key: ***"),
        ("Set-Cookie: session=abc; Path=/", "Set-Cookie: ***"),
        ("password=hunter2 and api_key='k'", "password=*** and api_key='***'"),
        ('{"client_secret": "abc"}', '{"client_secret": "***"}'),
        ("the token is invalid: try again", "the token is invalid: try again"),
        ("redis://host:6379/0 at 10:30", "redis://host:6379/0 at 10:30"),
        ("3 tokens, 2 keys", "3 tokens, 2 keys"),
    ],
)
def test_what_looks_like_a_secret_is_hidden_and_nothing_else(text, expected):
    assert redacted(text) == expected


def test_values_are_hidden_by_their_names_at_any_depth():
    value = {"headers": [{"Authorization": "abc", "Accept": "json"}], "tokens": 5, "api_key": "k"}

    assert redacted_value(value) == {
        "headers": [{"Authorization": "***", "Accept": "json"}],
        "tokens": 5,
        "api_key": "***",
    }


def test_logging_survives_values_that_cannot_be_written():
    class Unspeakable:
        def __str__(self) -> str:
            raise ValueError

    endless: list[object] = []
    endless.append(endless)

    assert redacted_value(Unspeakable()) == "(its text cannot be read)"
    assert json.dumps(redacted_value({"a": endless, (1, 2): "b"}))


def test_a_long_text_without_secrets_takes_no_long_time():
    text = "a" * 200_000 + "://" + "b" * 200_000 + " token " + "c:" * 100_000

    assert redacted(text) == text


def test_a_producer_that_configures_nothing_is_heard_from_warnings_on():
    code = "from workers.logger import get_logger; log = get_logger('postroom.x'); "
    code += "log.info('quiet'); log.warning('loud', url='redis://:canary@h')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert "loud" in done.stderr
    assert "quiet" not in done.stderr
    assert "canary" not in done.stderr


def test_configuring_twice_does_not_write_twice(tmp_path):
    code = """
import logging
from workers.logs import configure_logs
from workers.settings import Settings

configure_logs(Settings())
configure_logs(Settings())
logging.getLogger("elsewhere").warning("once")
logging.getLogger("postroom.x").warning("once too")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert len(done.stderr.splitlines()) == 2
