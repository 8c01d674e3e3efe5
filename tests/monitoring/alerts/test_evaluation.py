"""When an alert is told, and when that it is over: by table, without Redis."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from monitoring.alerts.alert import Alert, alert_of, as_text
from monitoring.alerts.causes import Cause
from monitoring.alerts.evaluation import MOST_ALERTS, evaluate
from monitoring.alerts.metrics import Reading
from monitoring.alerts.notice import MOST_APART, notices
from monitoring.alerts.quiet import quiet_hours
from monitoring.alerts.rule import Rule

BEGIN = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


class Watch:
    """Looks at seconds after the begin, and notes what is told."""

    def __init__(self, **given) -> None:
        known = {"comparison": ">", "threshold": 100, "cool_down_seconds": 0}
        self.rule = Rule("waiting", "waiting", **{**known, **given})
        self.alerts: dict[tuple[str, str], Alert] = {}
        self.begin = BEGIN

    def look(self, seconds, value=None, **others):
        """`look(10, 101, sms=5)`: email has 101, sms 5; None is no reading."""
        values = {"email": value, **others}
        readings = [Reading(name, v, f"{v} wait") for name, v in values.items() if v is not None]
        return self.look_at({"waiting": readings}, seconds)

    def look_at(self, facts, seconds):
        now = self.begin + timedelta(seconds=seconds)
        found = evaluate(facts, [self.rule], self.alerts, now=now)
        self.alerts = dict(found.alerts)
        return [(event.kind, event.alert.scope) for event in found.events]


FIRED, RESOLVED = [("fired", "email")], [("resolved", "email")]


@pytest.mark.parametrize(
    ("comparison", "value", "told"),
    [
        *((">", value, told) for value, told in ((99.9, []), (100, []), (100.1, FIRED))),
        *((">=", value, told) for value, told in ((99.9, []), (100, FIRED), (100.1, FIRED))),
        *(("<", value, told) for value, told in ((99.9, FIRED), (100, []), (100.1, []))),
        *(("<=", value, told) for value, told in ((99.9, FIRED), (100, FIRED), (100.1, []))),
    ],
)
def test_a_threshold_is_passed_as_its_comparison_says(comparison, value, told):
    assert Watch(comparison=comparison).look(0, value) == told


def test_an_alert_is_told_once_and_once_that_it_is_over():
    watch = Watch()

    told = [watch.look(at, value) for at, value in ((0, 101), (10, 500), (20, 100), (30, 100))]
    assert told == [FIRED, [], RESOLVED, []]
    assert watch.alerts == {}


def test_two_queues_are_two_alerts():
    watch = Watch()

    assert watch.look(0, 101, sms=102) == [("fired", "sms"), ("fired", "email")]
    assert watch.look(10, 101, sms=1) == [("resolved", "sms")]


@pytest.mark.parametrize(("seconds", "told"), [(59.9, []), (60, FIRED), (60.1, FIRED)])
def test_a_condition_has_to_hold_for_as_long_as_the_rule_says(seconds, told):
    watch = Watch(for_seconds=60)
    watch.look(0, 101)

    assert watch.look(seconds, 101) == told


def test_a_condition_that_passes_by_is_not_told_and_begins_anew():
    watch = Watch(for_seconds=60)

    assert [watch.look(at, v) for at, v in ((0, 101), (50, 0), (60, 101), (119, 101))] == [[]] * 4
    assert watch.look(120, 101) == FIRED


@pytest.mark.parametrize(("seconds", "told"), [(899, []), (900, FIRED)])
def test_after_an_alert_the_same_one_has_to_cool_down(seconds, told):
    watch = Watch(cool_down_seconds=900)

    assert [watch.look(0, 101), watch.look(10, 0), watch.look(20, 101)] == [FIRED, RESOLVED, []]
    assert watch.look(seconds, 101) == told


def test_nobody_is_told_that_something_is_over_of_which_nobody_knew():
    watch = Watch(cool_down_seconds=900)
    watch.look(0, 101)
    watch.look(10, 0)
    watch.look(20, 101)

    assert watch.look(30, 0) == []
    assert watch.look(901, 0) == []
    assert watch.alerts == {}


def test_a_cool_down_is_each_queues_own():
    watch = Watch(cool_down_seconds=900)
    watch.look(0, 101)

    assert watch.look(10, 101, sms=101) == [("fired", "sms")]


def quiet(**given):
    watch = Watch(quiet_hours=quiet_hours("22:00-07:00", ZoneInfo("Europe/Berlin")), **given)
    watch.begin = datetime(2026, 1, 15, 20, 59, 50, tzinfo=UTC)  # 10 s before they begin in Berlin
    return watch


NIGHT = 9 * 3600 + 10


def test_quiet_hours_hold_an_alert_back_until_they_end():
    watch = quiet()

    assert watch.look(9, 0) == []
    assert [watch.look(at, 101) for at in (10, NIGHT - 0.1)] == [[], []]
    assert watch.look(NIGHT, 101) == FIRED


def test_what_comes_and_goes_in_quiet_hours_is_never_told():
    watch = quiet()

    assert [watch.look(10, 101), watch.look(100, 0), watch.look(NIGHT, 0)] == [[]] * 3


def test_that_it_is_over_is_told_when_quiet_hours_end():
    watch = quiet()

    assert watch.look(0, 101) == FIRED
    assert [watch.look(100, 0), watch.look(NIGHT - 1, 0)] == [[], []]
    assert watch.look(NIGHT, 0) == RESOLVED


def test_what_comes_again_in_quiet_hours_is_not_told_again():
    watch = quiet()

    assert watch.look(0, 101) == FIRED
    assert [watch.look(100, 0), watch.look(200, 101), watch.look(NIGHT, 101)] == [[]] * 3
    assert watch.look(NIGHT + 10, 0) == RESOLVED


def test_quiet_hours_hold_back_nothing_that_is_critical():
    watch = quiet(severity="critical")

    assert [watch.look(10, 101), watch.look(20, 0)] == [FIRED, RESOLVED]


@pytest.mark.parametrize(
    ("text", "hour", "covered"),
    [
        ("08:00-17:30", (7, 59), False),
        ("08:00-17:30", (8, 0), True),
        ("08:00-17:30", (17, 29), True),
        ("08:00-17:30", (17, 30), False),
        ("22:00-07:00", (0, 0), True),
        ("22:00-07:00", (7, 0), False),
        ("00:00-00:00", (12, 0), True),
    ],
)
def test_quiet_hours_begin_with_their_first_minute_and_end_before_their_last(text, hour, covered):
    hours = quiet_hours(text, ZoneInfo("UTC"))

    assert hours is not None
    assert hours.cover(datetime(2026, 1, 15, *hour, tzinfo=UTC)) is covered


def test_a_metric_that_could_not_be_read_changes_nothing():
    watch = Watch()
    watch.look(0, 101)
    before = watch.alerts

    assert watch.look_at({}, 10) == []
    assert watch.alerts == before
    assert watch.look_at({"waiting": []}, 20) == RESOLVED


def test_a_rule_is_about_what_its_pattern_fits():
    watch = Watch(scope="email*")

    assert watch.look(0, 101, email_bulk=101, sms=101) == [
        ("fired", "email"),
        ("fired", "email_bulk"),
    ]


def test_no_more_alerts_are_remembered_than_there_is_room_for_and_none_is_told_twice():
    watch = Watch()
    many = {f"q{number:05}": 101 + number for number in range(MOST_ALERTS + 50)}

    first, second = watch.look(0, **many), watch.look(10, **many)
    assert (len(first), second) == (MOST_ALERTS, [])
    assert ("fired", f"q{MOST_ALERTS + 49:05}") in first, "the worst come first"
    assert len(watch.look(20)) == MOST_ALERTS
    assert len(watch.look(30, **many)) == MOST_ALERTS


def test_an_alert_comes_back_from_its_text_as_it_was():
    alert = Alert("waiting", "e mail", BEGIN, 1.5, "said", BEGIN, None, is_told=True)

    assert alert_of(as_text(alert)) == alert


# --- what is said ---------------------------------------------------------------------------------


def told(watch, seconds, facts, channels=("ops", "mail"), causes=None):
    now = BEGIN + timedelta(seconds=seconds)
    found = evaluate(facts, [watch.rule], watch.alerts, now=now)
    watch.alerts = dict(found.alerts)
    known = {"channels": channels, "turn": "7", "installation": "production"}
    return notices(found.events, causes=causes or {}, **known, now=now)


def test_a_notice_says_what_is_wrong_and_what_to_do_and_later_how_long_it_took():
    watch = Watch(severity="critical")
    readings = [Reading("email", 812, "812 jobs are waiting in email.")]

    [fired] = told(watch, 0, {"waiting": readings})
    [over] = told(watch, 840, {"waiting": []})

    assert fired.notice.title == "[CRITICAL] waiting: email (production)"
    assert fired.notice.body == (
        "812 jobs are waiting in email.\nDo: Start more workers: `postroom worker email`."
    )
    assert over.notice.title == "[RESOLVED] waiting: email (production)"
    assert over.notice.body == (
        "Over after 14 min, counted from when it began. It was: 812 jobs are waiting in email."
    )
    assert fired.channels == over.channels == ("ops", "mail")


def test_what_had_to_last_is_counted_from_when_it_began_and_not_from_the_alert():
    watch = Watch(for_seconds=300)
    readings = {"waiting": [Reading("email", 812, "812 jobs are waiting in email.")]}

    for seconds in range(0, 330, 30):
        fired = told(watch, seconds, readings)
    [over] = told(watch, 322, {"waiting": []})

    assert [each.notice.kind for each in fired] == ["fired"]
    assert over.notice.body == (
        "Over after 5 min, counted from when it began, 5 min before this alert was sent. "
        "It was: 812 jobs are waiting in email."
    )


def test_what_began_in_quiet_hours_is_counted_from_then():
    watch = Watch(quiet_hours=quiet_hours("11:00-12:10", ZoneInfo("UTC")))
    readings = {"waiting": [Reading("email", 812, "812 jobs are waiting.")]}

    assert told(watch, 0, readings) == []
    [_] = told(watch, 900, readings)
    [over] = told(watch, 1_200, {"waiting": []})

    assert over.notice.body.startswith(
        "Over after 20 min, counted from when it began, 15 min before this alert was sent."
    )


def test_a_notice_says_the_cause_and_what_helps_against_that():
    watch = Watch()
    readings = [Reading("email", 812, "812 jobs are waiting in email.")]
    cause = Cause(
        ["Worker one died at 10:01 (signal 9).", "812 jobs are waiting in email."],
        ["postroom worker email"],
    )

    [fired] = told(watch, 0, {"waiting": readings}, causes={("queue", "email"): cause})
    [over] = told(watch, 60, {"waiting": []}, causes={("queue", "email"): cause})

    assert fired.notice.body == (
        "812 jobs are waiting in email.\nWorker one died at 10:01 (signal 9).\n"
        "Do: `postroom worker email`"
    )
    assert "died" not in over.notice.body


def test_many_alerts_of_a_rule_share_a_notice():
    watch = Watch()
    few = [Reading(f"q{n}", 101, f"q{n} is full.") for n in range(MOST_APART)]
    many = [Reading(f"p{n}", 101, f"p{n} is full.") for n in range(200)]

    apart = told(watch, 0, {"waiting": few})
    [together] = told(watch, 10, {"waiting": [*few, *many]})

    assert len(apart) == MOST_APART
    assert (
        together.notice.title == "[WARNING] waiting: p0, p1, p2, p3, p4 and 195 more (production)"
    )
    assert together.notice.text.splitlines()[-1] == "And 195 more."
    assert (together.notice.count, len(together.notice.alerts)) == (200, 100)
    assert len({each.notice.id for each in (*apart, together)}) == MOST_APART + 1


def test_a_rule_may_name_its_channels():
    watch = Watch(channels=("mail",))

    [fired] = told(watch, 0, {"waiting": [Reading("email", 101, "")]})
    assert fired.channels == ("mail",)


def test_a_channel_is_not_told_that_it_fails_itself():
    watch = Watch()
    watch.rule = Rule("channel_failing", "channel_failing", ">", 150)

    [fired] = told(watch, 0, {"channel_failing": [Reading("mail", 200, "")]})
    assert fired.channels == ("ops",)


def test_what_a_queue_is_called_cannot_steer_a_reader():
    watch = Watch()

    [fired] = told(watch, 0, {"waiting": [Reading("a\nb\x1b[2J" + "x" * 300, 101, "c\r\nd")]})
    assert "\n" not in fired.notice.title
    assert fired.notice.title.isprintable()
    assert len(fired.notice.title) < 260
    assert fired.notice.text == "c??d"
