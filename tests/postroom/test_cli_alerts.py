"""`postroom alerts`, as people and as programs use it."""

import pytest

from messages import NoteEnrichmentMessage
from monitoring.alerts import Alerter, AlertSettings
from tests.monitoring.alerts.conftest import SECRET
from tests.monitoring.alerts.sinks import Sink
from tests.postroom.test_cli_operations import Postroom, forget_settings
from workers import Settings, enqueue


@pytest.fixture
def sink():
    with Sink() as one:
        yield one


@pytest.fixture
def postroom(redis, monkeypatch, capsys, sink, tmp_path):
    rules = tmp_path / "alerts.toml"
    rules.write_text("[rules.waiting]\nfor_seconds = 0\nthreshold = 0\n")
    monkeypatch.setenv("ALERT_RULES", str(rules))
    monkeypatch.setenv("ALERT_CHANNELS", f"ops={sink.url}/token-of-ops")
    monkeypatch.setenv("ALERT_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("ALERT_PRIVATE_ADDRESSES", "true")
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    yield Postroom(monkeypatch, capsys)
    forget_settings()


pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


def test_without_alerts_it_says_so(postroom):
    assert postroom("alerts", "list") == "No alert holds.\n"
    assert postroom("alerts", "history") == "Nobody was told anything yet.\n"
    assert postroom.json("alerts", "list") == {"alerts": []}


def test_alerts_and_what_was_told_are_shown(postroom, redis, sink):
    enqueue(NoteEnrichmentMessage.of("note-1"), queue="email", connection=redis)
    Alerter(connection=redis, settings=AlertSettings(), engine=Settings()).tick()

    told = postroom("alerts", "list")
    assert "WARNING   waiting    email  firing" in told
    assert "CRITICAL  no_worker  email  pending" in told
    assert told.index("CRITICAL") < told.index("WARNING")
    assert "fired  ops  [WARNING] waiting: email (development)" in postroom("alerts", "history")
    [notice] = postroom.json("alerts", "history", "--limit", "1")["notices"]
    assert notice["id"] == sink.got[0].json["id"]
    found = {each["rule"]: each for each in postroom.json("alerts", "list")["alerts"]}
    assert found["waiting"]["said"] == "1 job is waiting in email."


def test_the_rules_are_shown_as_they_are_in_force(postroom):
    told = postroom("alerts", "rules")

    assert "no_worker         critical  without_worker    > 0 jobs" in told
    found = {each["name"]: each for each in postroom.json("alerts", "rules")["rules"]}
    assert (found["waiting"]["threshold"], found["waiting"]["for_seconds"]) == (0, 0)


def test_a_test_goes_to_each_channel(postroom, sink):
    assert postroom("alerts", "test") == "ops: sent.\n"
    assert postroom.json("alerts", "test", "ops") == {
        "channels": [{"channel": "ops", "error": None}]
    }
    assert [kind for kind, *_ in sink.notices] == ["test", "test"]


def test_a_channel_that_does_not_take_a_test_is_told_and_the_code_is_1(postroom, sink):
    sink.statuses += [500]

    told = postroom("alerts", "test", code=1)
    assert told.startswith("ops: The webhook ops answered 500.\n  Do: ")


def test_a_channel_that_is_not_there_is_one_line(postroom):
    assert "There is no channel 'sms' in ALERT_CHANNELS. There is ops." in postroom(
        "alerts", "test", "sms", code=2
    )


def test_a_wrong_file_or_channel_is_one_line_without_a_secret(postroom, monkeypatch, tmp_path):
    (tmp_path / "alerts.toml").write_text("[rules.waiting]\nthreshold = 'many'\n")
    told = postroom("alerts", "rules", code=2)
    assert "rule waiting: threshold: Input should be a valid number" in told
    assert told.count("\n") == 1

    monkeypatch.setenv("ALERT_CHANNELS", "ops=nonsense://token-of-ops")
    told = postroom("alerts", "test", code=2)
    assert "The address of the channel ops in ALERT_CHANNELS cannot be used" in told
    assert "token-of-ops" not in told
