"""The commands that tell numbers, in this process and on a real server."""

import pytest

from monitoring.numbers.deploys import get_deploys
from tests.contract.shape import contract, shape
from tests.monitoring.counted import note
from tests.postroom.test_cli_health import postroom  # noqa: F401 - a fixture
from tests.processes import own_keys
from tests.workers.conftest import message
from workers import By, enqueue, pauses


@pytest.fixture(autouse=True)
def _ended(redis):
    note(redis, *[("email|EMAIL", "", "finished", 2_000, 3_000_000)] * 3)
    note(redis, ("email|EMAIL", "", "failed", 2_000, 150))
    enqueue(message(), queue="email", connection=redis)


def shown(found, name):
    """The cells of a row, with single spaces."""
    rows = [each.split() for each in found.out.splitlines() if each]
    return " ".join(next(row for row in rows if row[0] == name))


def test_metrics_are_shown_as_a_table(redis, postroom):  # noqa: F811
    pauses.pause("queue", "email", by=By("ann", "a test"), connection=redis)

    found = postroom("metrics")

    assert found.code == 0
    assert shown(found, "QUEUE") == "QUEUE WAITING ACTIVE DELAYED FAILED DONE PAUSED"
    assert shown(found, "email") == "email 1 0 0 0 0 yes"
    assert shown(found, "all") == "all 1 0 0 0 0"
    assert "75.00 % of the last 1,000 outcomes succeeded. 4.0 jobs ended" in found.out


def test_metrics_in_json_are_those_of_the_requirement(postroom):  # noqa: F811
    assert shape(postroom("metrics", "--json").json) == shape(contract("001_metrics"))


def test_figures_of_queues_are_shown_as_a_table(postroom):  # noqa: F811
    found = postroom("metrics", "--by", "queue")

    email = shown(found, "email")
    assert email.startswith("email 1 ")
    assert email.endswith("4.0 75.00 % 75.00 % 2.0 ms 2.0 ms 2.0 ms 3 s 3 s 3 s")
    assert shown(found, "default").endswith("% - - - - - -")


def test_figures_of_types_are_shown_as_a_table(postroom):  # noqa: F811
    found = postroom("metrics", "--by", "type")

    assert shown(found, "EMAIL").startswith("EMAIL 0 - ")
    assert shown(found, "TEST").startswith("TEST 1 ")
    assert [each["messageType"] for each in postroom("metrics", "--by", "type", "--json").json] == [
        "EMAIL",
        "TEST",
    ]


def test_without_jobs_there_are_no_types(postroom, redis):  # noqa: F811
    redis.unlink(*own_keys(redis))

    assert postroom("metrics", "--by", "type").out.startswith("There are no jobs")


def test_trends_are_shown_as_a_table(postroom):  # noqa: F811
    found = postroom("trends", "--period", "7d")

    assert shown(found, "email") == "email 3 1 4 75.00 % 2.0 ms"
    assert shown(found, "default") == "default 0 0 0 100.00 % -"


def test_trends_in_json_are_those_of_the_requirement(postroom):  # noqa: F811
    assert shape(postroom("trends", "--json").json) == shape(contract("001_trends"))


def test_a_period_that_there_is_not_is_refused(postroom):  # noqa: F811
    found = postroom("trends", "--period", "1y", "--json")

    assert found.code == 2
    assert found.json["error"]["field"] == "period"


def test_a_deployment_is_marked_with_a_note_and_a_name(postroom, redis):  # noqa: F811
    found = postroom("deploy-mark", "v1.2", "--note", "faster", "--actor", "ann", "--json")

    (mark,) = get_deploys(connection=redis)
    assert found.json == {"success": True, **mark}
    assert (mark["version"], mark["note"], mark["actor"]) == ("v1.2", "faster", "ann")
    assert postroom("deploy-mark", "v1.3").out == "Marked the deployment of v1.3.\n"


def test_a_deployment_without_a_version_is_refused(postroom, redis):  # noqa: F811
    found = postroom("deploy-mark", " ", "--json")

    assert found.code == 2
    assert found.json["error"]["field"] == "version"
    assert get_deploys(connection=redis) == []
