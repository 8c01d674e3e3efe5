"""The ledger, the server and the fleet of the drills do what drills rely on."""

import json
import os
import subprocess
import sys
from datetime import datetime

import psutil

from tests.drills.plan import DRILLS
from tests.drills.points import CYCLES, KNOWN
from tests.drills.result import Result, Run
from tests.faults.fleet import lives
from tests.faults.ledger import write
from tests.faults.nursery import ROOT, SKEW, nursery
from tests.faults.own_server import own_server
from tests.processes import ask_until_true


def test_lines_of_many_processes_do_not_mix(ledger):
    code = (
        "import sys; from tests.faults.ledger import write\n"
        "for n in range(200): write(sys.argv[1], 'start', f'{sys.argv[2]}-{n}', 'x' * 200)"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", code, ledger.path, str(n)], cwd=ROOT)
        for n in range(3)
    ]
    assert [writer.wait(30) for writer in writers] == [0, 0, 0]

    assert len(ledger.refresh().ids("start")) == 600


def test_a_start_without_an_end_is_running(ledger):
    for what, job in (("start", "a"), ("end", "a"), ("start", "b")):
        write(ledger.path, what, job)

    assert [event.job_id for event in ledger.refresh().running({os.getpid()})] == ["b"]
    write(ledger.path, "end", "b")
    assert ledger.refresh().running({os.getpid()}) == []


def test_a_server_that_was_killed_keeps_what_it_acknowledged(tmp_path):
    with own_server(tmp_path / "redis") as server, server.client() as client:
        client.set("a", 1)
        server.kill()
        server.start()

        assert client.get("a") == b"1"


def test_the_nursery_runs_rqs_command_line_with_a_skewed_clock(tmp_path):
    told = []
    with own_server(tmp_path / "redis") as server, nursery() as started:
        for ahead in ("0", "600"):
            log = tmp_path / ahead
            environ = {"REDIS_URL": server.url, SKEW: ahead}
            started.start(["rq", "info", "-c", "worker_settings"], environ, log)
            ask_until_true(lambda log=log: "Updated: " in log.read_text(), within=20)
            stamp = log.read_text().partition("Updated: ")[2].strip()
            told.append(datetime.fromisoformat(stamp))

    assert 590 < (told[1] - told[0]).total_seconds() < 630


def test_the_nursery_ends_all_that_it_started(tmp_path):
    with nursery() as started:
        pid = started.start(["sleep", "60"], {}, tmp_path / "log")
        assert lives(psutil.Process(pid))

    assert not psutil.pid_exists(pid) or not lives(psutil.Process(pid))


def test_a_canary_must_be_red_for_the_named_reason():
    lost = Result({"lost": 1}, {})
    died = Result({"died": 1}, {"died": 0})

    assert [Run("kills", 1, 0.0, result, "lost").good for result in (lost, died)] == [True, False]
    assert not Run("kills", 1, 0.0, lost).good
    assert Run("kills", 1, 0.0, Result({"extra": 2}, {"extra": 2})).good


def test_a_fault_that_did_not_fire_is_red():
    assert Result({"unfired": 1}, {}).broken() == ["unfired"]


def test_the_known_points_are_those_of_the_cycles():
    assert {title.partition("/")[0] for title in json.loads(KNOWN.read_text())} <= set(CYCLES)


def test_every_drill_names_what_its_canary_must_find():
    without = [name for name, drill in DRILLS.items() if not drill.verdict]

    # Of streams stock RQ knows nothing.
    assert [name for name in without if not name.startswith("stream-")] == ["letters"]
