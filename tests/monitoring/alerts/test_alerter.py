"""The alerter against a real server and a real receiver, with a clock that is moved."""

import json
import logging
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis

from messages import NoteEnrichmentMessage
from monitoring.alert_channels import channel_states
from monitoring.alerts import Alerter, ChannelNotFound, get_alerts, get_history
from monitoring.alerts.facts import AREAS
from monitoring.alerts.store import Store
from monitoring.doctor.channels import channel_findings
from monitoring.doctor.finding import Finding
from monitoring.errors import InvalidQuery
from monitoring.explain.explanations import Explanation
from postroom.address import free_port
from tests.monitoring.alerts.conftest import NewAlerter
from tests.monitoring.alerts.sinks import Hands, Sink
from tests.monitoring.conftest import log_in, url_of
from tests.workers.takers import Taker
from workers import Settings, enqueue, keys, watch_keys
from workers.clock import shown_time
from workers.connection import connect
from workers.errors import StorageUnavailable

OTHERS = (
    *("success_rate", "stuck", "no_worker", "overdue", "new_dead_letters", "dead_letters"),
    *("stream_lag", "stream_fill", "pending_age", "dead_consumers", "redis_memory"),
)


@dataclass(frozen=True)
class Stage:
    """A server, a receiver and a clock; the only rule is that two jobs may wait."""

    redis: Redis
    sink: Sink
    hands: Hands
    new: NewAlerter
    rules: Path

    def alerter(self, **given: object) -> Alerter:
        return self.new(**{"alert_rules": self.rules, **given})

    def backlog(self, count: int) -> None:
        """Let so many jobs wait in email."""
        self.redis.delete(keys.queue("email"))
        for _ in range(count):
            enqueue(NoteEnrichmentMessage.of("note-1"), queue="email", connection=self.redis)


@pytest.fixture
def stage(redis: Redis, sink: Sink, hands: Hands, alerter: NewAlerter, tmp_path: Path) -> Stage:
    path = tmp_path / "alerts.toml"
    off = "".join(f"[rules.{name}]\nenabled = false\n" for name in OTHERS)
    path.write_text(f"{off}[rules.waiting]\nfor_seconds = 0\nthreshold = 2\n")
    return Stage(redis, sink, hands, alerter, path)


FIRED, RESOLVED = ("fired", "waiting", "email"), ("resolved", "waiting", "email")


def test_an_alert_is_sent_once_and_once_that_it_is_over(stage):
    one = stage.alerter()
    stage.backlog(3)

    for _ in range(3):
        assert one.tick()
        stage.hands.move(10)
    assert stage.sink.notices == [FIRED]

    stage.backlog(2)
    for _ in range(3):
        one.tick()
        stage.hands.move(10)
    assert stage.sink.notices == [FIRED, RESOLVED]
    assert stage.sink.got[0].json["text"].startswith("3 jobs are waiting in email.\nNo worker")
    assert stage.sink.got[0].json["alerts"][0]["value"] == 3


def test_an_alert_that_cannot_be_explained_is_sent_all_the_same(stage, monkeypatch):
    monkeypatch.setattr("monitoring.alerts.causes.explain_queue", lambda _: 1 / 0)
    stage.backlog(3)

    stage.alerter().tick()
    assert stage.sink.notices == [FIRED]
    assert stage.sink.got[0].json["text"] == "3 jobs are waiting in email."


def test_a_secret_in_an_explanation_is_hidden(stage, monkeypatch):
    told = Explanation(
        "queue",
        "email",
        "in_trouble",
        ["Refused: password=hunter22"],
        [Finding("a", "info", "b", "c")],
    )
    monkeypatch.setattr("monitoring.alerts.causes.explain_queue", lambda _: told)
    stage.backlog(3)

    stage.alerter().tick()
    assert "Refused: password=" in stage.sink.got[0].json["text"]
    assert b"hunter22" not in stage.sink.got[0].body


def test_a_new_process_goes_on_where_the_last_one_stopped(stage):
    stage.backlog(3)
    first, second = stage.alerter(), stage.alerter()

    assert first.tick()
    assert not second.tick(), "two had the turn"
    first.stop()
    assert second.tick()
    stage.backlog(0)
    assert second.tick()
    assert stage.sink.notices == [FIRED, RESOLVED]


def test_a_process_that_has_lost_its_turn_sends_nothing(stage):
    stage.backlog(3)
    one = stage.alerter()
    store = Store(stage.redis)
    turn = store.take_turn("", "one", 6)
    one._turn = turn
    stage.redis.set(watch_keys.alert_turn(), "99 another")  # while it was frozen, say

    one._look(AREAS)
    one._delivery.begin(turn)
    one._delivery.wait(5)
    assert (stage.sink.got, stage.redis.exists(watch_keys.alerts(), watch_keys.alert_outbox())) == (
        [],
        0,
    )


def test_a_turn_that_was_lost_between_look_and_send_sends_nothing(stage):
    stage.backlog(3)
    one, other = stage.alerter(), stage.alerter()
    assert one._has_turn()
    one._look(AREAS)
    stage.redis.delete(watch_keys.alert_turn())
    assert other._has_turn()

    one._delivery.begin(one._turn)
    one._delivery.wait(5)
    assert stage.sink.got == []
    assert other.tick()
    assert stage.sink.notices == [FIRED]


def test_a_failed_send_is_tried_again_later_each_time_under_the_same_id(stage):
    stage.sink.statuses += [500, 503, 200]
    one = stage.alerter()
    stage.backlog(3)

    tried = []
    for _ in range(19):
        one.tick()
        tried.append(len(stage.sink.got))
        stage.hands.move(1)

    assert tried == [1] * 6 + [2] * 12 + [3]
    assert len({got.headers["webhook-id"] for got in stage.sink.got}) == 1
    assert channel_states(stage.redis)["ops"].failing_since is None


def test_what_another_process_has_sent_is_not_sent_again(stage):
    stage.backlog(3)
    one = stage.alerter()
    assert one._has_turn()
    one._look(AREAS)
    [outgoing] = one._store.outbox()

    one._store.settle(outgoing)
    assert not one._store.begin(one._turn, outgoing.begun(stage.hands.now))
    assert one._store.outbox() == []


def test_what_comes_later_waits_for_what_could_not_be_sent(stage):
    stage.sink.statuses += [500]
    one = stage.alerter()
    for count in (3, 0):
        stage.backlog(count)
        one.tick()
    assert stage.sink.notices == [FIRED]

    stage.hands.move(6)
    one.tick()
    assert stage.sink.notices == [FIRED, FIRED, RESOLVED]


def test_a_channel_that_fails_stops_no_other_and_is_a_finding(stage):
    with Sink() as broken:
        broken.statuses += [500] * 50
        names = f"broken={broken.url},ops={stage.sink.url}"
        one = stage.alerter(alert_channels=names)
        stage.backlog(3)
        for _ in range(40):
            one.tick()
            stage.hands.move(10)

    assert stage.sink.notices == [FIRED, ("fired", "channel_failing", "broken")]
    [finding] = channel_findings(stage.hands.now, stage.redis)
    assert finding.code == "alert_channel_failing"
    assert channel_states(stage.redis)["broken"].failing_since == "2026-01-15T12:00:00+00:00"
    assert "the channel broken: " in finding.what
    assert "answered 500" in finding.what
    assert "postroom alerts test broken" in finding.remedy


def test_what_a_channel_does_not_take_for_an_hour_is_given_up_and_told(stage):
    stage.sink.statuses += [500] * 100
    one = stage.alerter()
    stage.backlog(3)
    for _ in range(15):
        one.tick()
        stage.hands.move(301)

    assert stage.redis.hlen(watch_keys.alert_outbox()) == 0
    newest, *_, first = get_history(connection=stage.redis)
    assert (newest["kind"], newest["channels"]) == ("undelivered", ["ops"])
    assert newest["text"] == "The webhook ops answered 500."
    assert first["kind"] == "fired"


def test_what_was_being_sent_when_a_process_died_is_sent_again_under_its_id(stage):
    stage.backlog(3)
    dying = stage.alerter()
    assert dying._has_turn()
    dying._look(AREAS)
    [outgoing] = dying._store.outbox()
    assert dying._store.begin(dying._turn, outgoing.begun(stage.hands.now))
    dying.channels["ops"].send(outgoing.notice)  # and here it dies
    stage.redis.delete(watch_keys.alert_turn())

    one = stage.alerter()
    one.tick()
    assert len(stage.sink.got) == 1, "at once would be while the dead one may still be sending"
    stage.hands.move(6)
    one.tick()
    one.tick()
    assert len(stage.sink.got) == 2
    assert len({got.headers["webhook-id"] for got in stage.sink.got}) == 1


def test_a_cool_down_outlives_the_process(stage):
    for count in (3, 0, 3):
        stage.backlog(count)
        one = stage.alerter()
        one.tick()
        one.stop()
        stage.hands.move(100)
    assert stage.sink.notices == [FIRED, RESOLVED]

    stage.hands.move(600)
    stage.alerter().tick()
    assert stage.sink.notices == [FIRED, RESOLVED, FIRED]


def test_alerts_and_history_are_shown(stage):
    one = stage.alerter()
    stage.backlog(3)
    one.tick()

    [alert] = get_alerts(connection=stage.redis, rules=one.rules)
    assert (alert["rule"], alert["scope"], alert["state"]) == ("waiting", "email", "firing")
    assert (alert["value"], alert["limit"]) == (3, "> 2")
    assert alert["announcedAt"] == shown_time(stage.hands.now)
    [notice] = get_history(connection=stage.redis)
    assert (notice["kind"], notice["channels"]) == ("fired", ["ops"])
    assert notice["id"] == stage.sink.got[0].json["id"]
    with pytest.raises(InvalidQuery, match="limit is 0"):
        get_history(0, connection=stage.redis)


def test_an_alert_of_a_later_release_is_passed_over(stage):
    stage.redis.hset(
        watch_keys.alerts(), "waiting email", json.dumps({"rule": "waiting", "colour": "red"})
    )

    assert stage.alerter().tick()
    assert stage.sink.got == []


def test_a_test_goes_to_a_channel_at_once(alerter, sink):
    one = alerter()

    one.send_test("ops")
    assert sink.notices == [("test", "test")]
    with pytest.raises(ChannelNotFound, match="no channel 'sms'") as caught:
        one.send_test("sms")
    assert caught.value.remedy == "There is ops."


def test_it_goes_on_by_itself_until_it_is_stopped(stage, eventually):
    stage.backlog(3)
    one = stage.alerter(alert_seconds=0.05)
    one._turn_seconds = 0.3

    one.start()
    one.start()
    eventually(lambda: stage.sink.notices == [FIRED])
    stage.backlog(0)
    eventually(lambda: stage.sink.notices == [FIRED, RESOLVED])
    one.stop()
    assert not stage.redis.exists(watch_keys.alert_turn()), "the next process would have to wait"


def test_what_a_user_may_not_read_keeps_nothing_else_from_being_looked_at(
    own_server, alerter, sink, hands
):
    rights = ("+@read", "+@scripting", "+set", "+hset", "+incr", "+xadd", "+hdel", "+pexpire")
    others = ("+time", "+del", "+multi", "+exec")  # and no INFO
    user = log_in(own_server, "watch", allowed=(*rights, *others))
    enqueue(NoteEnrichmentMessage.of("note-1"), queue="email", connection=own_server)
    one = alerter(connection=user)

    one.tick()
    hands.move(60)
    one.tick()
    assert sink.notices == [("fired", "no_worker", "email")]


def test_it_writes_below_its_own_prefix_only(own_server, alerter, sink, hands):
    own_server.acl_setuser(
        "watch",
        enabled=True,
        nopass=True,
        commands=["+@all"],
        selectors=[],
        keys=[],
    )
    own_server.execute_command("ACL", "SETUSER", "watch", "%R~*", f"~{watch_keys.alerts()}*")
    enqueue(NoteEnrichmentMessage.of("note-1"), queue="email", connection=own_server)
    one = alerter(connection=connect(Settings(redis_url=url_of(own_server, "watch"))))

    one.tick()
    hands.move(60)
    one.tick()
    assert sink.notices == [("fired", "no_worker", "email")]


def test_a_server_that_is_away_is_an_error(stage):
    one = stage.alerter(connection=Redis(port=free_port(), retry=None))

    with pytest.raises(StorageUnavailable):
        one.tick()


def test_while_redis_is_away_it_waits_and_says_so_once(stage, eventually, caplog):
    nowhere = Redis(port=free_port(), retry=None)
    one = stage.alerter(connection=nowhere)
    one._turn_seconds = 0.03

    one.start()
    eventually(lambda: "alerts_not_evaluated" in caplog.text)
    one._turn = "1 one"
    one.stop()
    assert caplog.text.count("alerts_not_evaluated") == 1
    assert "alerts_turn_kept" in caplog.text


def test_no_secret_is_logged(stage, monkeypatch, caplog):
    token = "TIiajkdnlazkcOXrIdevi7FQ"
    monkeypatch.setattr(
        "apprise.plugins.slack.NotifySlack.webhook_url", f"{stage.sink.url}/services"
    )
    stage.sink.statuses += [500, 500]
    names = f"team=slack://T1JJ3T3L2/A1BRTD4JD/{token},ops={stage.sink.url}/hook/{token}"
    caplog.set_level(logging.INFO)
    stage.backlog(3)

    stage.alerter(alert_channels=names).tick()

    assert len(stage.sink.got) == 2
    assert token not in caplog.text


def test_an_escalated_job_is_told_at_once_as_critical_also_in_quiet_hours_and_when_it_is_over(
    stage: Stage,
) -> None:
    handle = enqueue(NoteEnrichmentMessage.of("n"), queue="email", connection=stage.redis)
    taker = Taker(stage.redis, "email")
    (lease,) = taker.lease()
    began = stage.redis.time()[0] - 1_799
    taker.leases.show(lease, started=began, ttl=90)
    alerter = stage.alerter(
        engine=Settings(stuck_policy="report,NOTE_ENRICHMENT=escalate"),
        alert_quiet_hours="00:00-23:59",
    )

    alerter.tick()
    assert stage.sink.got == []
    taker.leases.show(lease, started=began - 60, ttl=90)
    for _ in range(2):
        stage.hands.move(10)
        alerter.tick()
    (got,) = stage.sink.got
    told = got.json
    assert (told["rule"], told["severity"], told["kind"]) == ("escalated", "critical", "fired")
    assert told["alerts"][0]["scope"] == handle.id
    assert f"Job {handle.id} (NOTE_ENRICHMENT) of email has been running for" in told["text"]
    assert f"postroom jobs stop {handle.id}" in told["remedy"]

    taker.leases.hand_back([lease])
    stage.hands.move(10)
    alerter.tick()
    assert [kind for kind, *_ in stage.sink.notices] == ["fired", "resolved"]
