"""The file of rules: what it may say, and the one error that says what is wrong with it."""

from pathlib import Path

import pytest

from monitoring.alerts import AlertSettings, InvalidRules, Rule, read_rules
from workers.errors import SettingInvalid


@pytest.fixture
def rules(tmp_path: Path):
    """The rules with a file, by name."""

    def _rules(text: str, **given: object) -> dict[str, Rule]:
        path = tmp_path / "alerts.toml"
        path.write_text(text)
        settings = AlertSettings(alert_rules=path, **given)
        return {rule.name: rule for rule in read_rules(settings, ("ops", "mail"))}

    return _rules


SHIPPED = {
    "waiting": (">", 100),
    "success_rate": ("<", 90),
    "stuck": (">", 1800),
    "escalated": (">", 0),
    "no_worker": (">", 0),
    "overdue": (">", 60),
    "new_dead_letters": (">", 0),
    "dead_letters": (">", 1000),
    "stream_lag": (">", 1000),
    "stream_fill": (">=", 80),
    "pending_age": (">", 1800),
    "dead_consumers": (">", 0),
    "redis_memory": (">=", 80),
    "channel_failing": (">", 150),
}


def test_the_shipped_rules_have_the_thresholds_of_the_requirements():
    found = read_rules(AlertSettings(), ())

    assert {rule.name: (rule.comparison, rule.threshold) for rule in found} == SHIPPED


def test_settings_change_thresholds_cool_down_and_quiet_hours():
    settings = AlertSettings(alert_waiting=7, alert_cool_down=60, alert_quiet_hours="22:00-07:00")
    found = {rule.name: rule for rule in read_rules(settings, ())}

    assert found["waiting"].threshold == 7
    assert {rule.cool_down_seconds for rule in found.values()} == {60}
    assert {str(rule.quiet_hours) for rule in found.values()} == {"22:00-07:00 UTC"}


def test_a_file_changes_a_shipped_rule_only_in_what_it_names(rules):
    found = rules("[rules.waiting]\nthreshold = 500\n")

    assert found["waiting"].threshold == 500
    assert (found["waiting"].for_seconds, found["waiting"].metric) == (60, "waiting")
    assert found.keys() == SHIPPED.keys()


def test_a_file_adds_a_rule_and_takes_one_away(rules):
    found = rules(
        """
        [rules.bulk]
        metric = "oldest_waiting"
        threshold = 3600
        for_seconds = 30
        scope = "bulk_*"
        severity = "critical"
        cool_down_seconds = 5
        quiet_hours = "12:00-13:00"
        channels = ["mail"]

        [rules.redis_memory]
        enabled = false
        """,
        alert_timezone="Europe/Berlin",
    )

    assert found.keys() == SHIPPED.keys() - {"redis_memory"} | {"bulk"}
    assert found["bulk"].limit == "> 3,600"
    assert str(found["bulk"].quiet_hours) == "12:00-13:00 Europe/Berlin"
    assert (found["bulk"].channels, found["bulk"].cool_down_seconds) == (("mail",), 5)


@pytest.mark.parametrize(
    ("text", "field", "said"),
    [
        ("[rules", "ALERT_RULES", "is not TOML"),
        ("[limits.waiting]", "limits", "limits is not known"),
        ("rules = 3", "rules", "rules is no table"),
        ("[rules.waiting]\nthreshold = 'many'", "rules.waiting.threshold", "a valid number"),
        ("[rules.waiting]\nthreshold = true", "rules.waiting.threshold", "a valid number"),
        ("[rules.waiting]\nthreshold = nan", "rules.waiting.threshold", "finite"),
        ("[rules.waiting]\ntreshold = 3", "rules.waiting.treshold", "not permitted"),
        ("[rules.waiting]\nfor_seconds = -1", "rules.waiting.for_seconds", "greater"),
        ("[rules.waiting]\ncomparison = '='", "rules.waiting.comparison", "'>'"),
        ("[rules.waiting]\nseverity = 'bad'", "rules.waiting.severity", "'critical'"),
        ("[rules.waiting]\nquiet_hours = '7-9'", "rules.waiting.quiet_hours", "22:00-07:00"),
        ("[rules.waiting]\nmetric = 'wait'", "rules.waiting.metric", "there is waiting, "),
        ("[rules.waiting]\nchannels = ['sms']", "rules.waiting.channels", "there is ops, mail"),
        ("[rules.mine]\nmetric = 'waiting'", "rules.mine.threshold", "needs a threshold"),
        ("[rules.mine]\nthreshold = 3", "rules.mine.metric", "needs a metric"),
        ("[rules.'my rule']\nthreshold = 3", "rules.my rule", "lower-case"),
        ("[rules]\nwaiting = 3", "rules.waiting", "dictionary"),
    ],
)
def test_a_wrong_file_is_one_error_with_file_rule_field_and_remedy(rules, text, field, said):
    with pytest.raises(InvalidRules, match=r"alerts\.toml") as caught:
        rules(text)

    assert caught.value.field == field
    assert said in caught.value.message
    assert caught.value.remedy


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InvalidRules, match=r"none\.toml cannot be read: No such file") as caught:
        read_rules(AlertSettings(alert_rules=tmp_path / "none.toml"), ())

    assert caught.value.field == "ALERT_RULES"


@pytest.mark.parametrize(
    ("name", "value"),
    [("ALERT_QUIET_HOURS", "late"), ("ALERT_TIMEZONE", "Mars/North"), ("ALERT_SECONDS", "0")],
)
def test_a_wrong_setting_is_named(monkeypatch, name, value):
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingInvalid) as caught:
        AlertSettings.load()
    assert caught.value.field == name
