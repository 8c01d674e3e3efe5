"""What is under deploy/ for Prometheus and Grafana names only what a live scrape has."""

import json
import re
from collections.abc import Iterator, Mapping

import pytest
import yaml
from redis import Redis

from messages import TestData, TestMessage
from monitoring.alerts.alert import Alert, as_text
from monitoring.api.prometheus import router
from tests.docs.documents import ROOT, anchors, table
from tests.monitoring.ledger import Ledger
from tests.monitoring.scrapes import Scrape, scrape
from workers import publish, utc_now, watch_keys

DASHBOARD = ROOT / "deploy" / "grafana" / "postroom.json"
RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"

_SELECTOR = re.compile(r"\b(postroom_\w+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"[^"]*"')
_GROUPING = re.compile(r"\b(?:by|on)\s*\(([^)]*)\)")
_CALLED = re.compile(r"\b([a-z_]+)\s*\(")
_FUNCTIONS = {"sum", "max", "rate", "increase", "delta", "absent", "histogram_quantile"}
_FUNCTIONS |= {"by", "on", "and", "or", "vector"}


@pytest.fixture
def live(redis: Redis) -> Scrape:
    """A scrape of a server in which there is something of everything."""
    Ledger(redis).run(100)
    message = TestMessage(data=TestData(test_type="echo"), metadata={"tenant": "acme"})
    key = publish(message, connection=redis).stream
    redis.xgroup_create(key, "workers", id="0")
    alert = Alert("waiting", "email", utc_now(), 101.0, "101 wait.", fired_at=utc_now())
    redis.hset(watch_keys.alerts(), "waiting email", as_text(alert))
    return scrape(redis)


def labels_of(live: Scrape) -> Mapping[str, set[str]]:
    """The labels of each sample."""
    found: dict[str, set[str]] = {}
    for name, labels in live.samples:
        found.setdefault(name, set()).update(label for label, _ in labels)
    return found


def dashboard() -> Mapping[str, object]:
    return json.loads(DASHBOARD.read_text())


def panels() -> Iterator[Mapping[str, object]]:
    return (panel for panel in dashboard()["panels"] if panel["type"] != "row")


def rules() -> list[Mapping[str, object]]:
    [group] = yaml.safe_load(RULES.read_text())["groups"]
    return group["rules"]


def expressions() -> list[str]:
    drawn = [target["expr"] for panel in panels() for target in panel["targets"]]
    return [*drawn, *(str(rule["expr"]) for rule in rules())]


def wrong(expression: str, known: Mapping[str, set[str]]) -> list[str]:
    """What an expression names that does not exist."""
    named = _SELECTOR.findall(expression)
    found = [name for name, _ in named if name not in known]
    for name, matchers in named:
        found += set(_MATCHER.findall(matchers)) - known.get(name, set())
    every = set().union(*(known.get(name, set()) for name, _ in named))
    for grouping in _GROUPING.findall(expression):
        found += {label.strip() for label in grouping.split(",")} - every
    found += set(_CALLED.findall(expression)) - _FUNCTIONS
    return found if expression.count("(") == expression.count(")") else [*found, "("]


def shown_labels(expression: str, known: Mapping[str, set[str]]) -> set[str]:
    """The labels that the result of an expression has, as far as it has any."""
    groupings = re.findall(r"\bby\s*\(([^)]*)\)", expression)
    if groupings:
        return {label.strip() for label in groupings[0].split(",")}
    if expression.startswith(("sum(", "max(")):
        return set()
    return known[_SELECTOR.findall(expression)[0][0]]


def test_every_expression_names_only_metrics_and_labels_that_a_scrape_has(live: Scrape):
    known = labels_of(live)

    assert len(expressions()) > 60
    assert {text: bad for text in expressions() if (bad := wrong(text, known))} == {}


def test_every_metric_is_shown_or_watched(live: Scrape):
    drawn = {name for text in expressions() for name, _ in _SELECTOR.findall(text)}

    assert labels_of(live).keys() - drawn == set()


def test_a_name_that_does_not_exist_would_be_found(live: Scrape):
    known = labels_of(live)

    assert wrong("rate(postroom_job_total[5m])", known) == ["postroom_job_total"]
    assert wrong('postroom_queue_waiting{tenant="a"}', known) == ["tenant"]
    assert wrong("sum by (tenant) (postroom_queue_waiting)", known) == ["tenant"]
    assert wrong("sun(postroom_queue_waiting", known) == ["sun", "("]


def test_legends_and_texts_name_labels_that_their_expression_keeps(live: Scrape):
    known = labels_of(live)
    legends = [(t["expr"], t["legendFormat"]) for p in panels() for t in p["targets"]]
    texts = [(rule["expr"], str(rule["annotations"])) for rule in rules()]

    for expression, legend in legends:
        assert set(re.findall(r"\{\{(\w+)\}\}", legend)) <= shown_labels(expression, known)
    for expression, text in texts:
        assert set(re.findall(r"\$labels\.(\w+)", text)) <= shown_labels(expression, known)


def test_the_dashboard_takes_its_source_from_a_variable_and_has_every_row():
    found = dashboard()
    variables = {each["name"]: each for each in found["templating"]["list"]}

    rows = [panel["title"] for panel in found["panels"] if panel["type"] == "row"]
    assert rows == ["Overview", "Queues", "Types", "Streams", "Workers", "Redis"]
    assert variables["datasource"]["type"] == "datasource"
    assert {panel["datasource"]["uid"] for panel in panels()} == {"${datasource}"}
    assert len({panel["id"] for panel in found["panels"]}) == len(found["panels"])
    assert all(panel["description"].endswith(".") for panel in panels())


def test_the_variables_of_the_dashboard_are_labels_of_a_scrape(live: Scrape):
    known = labels_of(live)
    asked = re.findall(r"label_values\((\w+), (\w+)\)", DASHBOARD.read_text())

    assert {label for _, label in asked} == {"queue", "type"}
    assert all(label in known[metric] for metric, label in asked)


def test_the_configuration_finds_the_rules_and_the_route():
    found = yaml.safe_load((RULES.parent / "prometheus.yml").read_text())
    [job] = found["scrape_configs"]

    assert [(RULES.parent / name) for name in found["rule_files"]] == [RULES]
    assert job["metrics_path"] in {route.path for route in router.routes}
    assert "password" not in job["authorization"]


def test_every_rule_says_what_it_is_and_where_to_read_what_to_do():
    names = [rule["alert"] for rule in rules()]

    assert len(names) == len(set(names))
    for rule in rules():
        path, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert set(rule["annotations"]) == {"summary", "description", "runbook"}
        assert rule["labels"]["severity"] in {"info", "warning", "critical"}
        assert re.fullmatch(r"\d+[mh]", rule["for"])
        assert anchor == rule["alert"].lower()
        assert anchor in anchors((ROOT / path).read_text())


def test_the_page_lists_every_metric_with_its_labels(live: Scrape):
    rows = table(ROOT / "docs" / "prometheus.md", "Metric")
    listed = {name.strip("`"): set(re.findall(r"`(\w+)`", labels)) for name, labels, _ in rows}

    known = {}
    for name, labels in labels_of(live).items():
        base = re.sub(r"(_seconds)_(bucket|count|sum)$", r"\1", name)
        known[base] = known.get(base, set()) | labels - {"le"}
    assert listed == known
