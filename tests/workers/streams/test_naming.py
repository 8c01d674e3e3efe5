"""How streams are called."""

import pytest

from messages import TestData, TestMessage, TestPayload
from workers import InvalidOption
from workers.routing import Priority
from workers.streams.naming import Naming, keys_of, matches

GUILDS = Naming("jobs:guild:{guild_id}:{job_type}")
TAGGED = Naming("jobs:{{{guild_id}}}:{job_type}")


def message(tenant: str | None = None) -> TestMessage:
    metadata = None if tenant is None else {"tenant": tenant}
    return TestMessage(data=TestData(test_type="x", payload=TestPayload()), metadata=metadata)


def test_a_tenants_message_goes_to_the_stream_of_its_type() -> None:
    assert GUILDS.for_message(message("123")) == "jobs:guild:123:test_message"


def test_the_name_that_the_caller_gives_wins() -> None:
    assert GUILDS.for_message(message("123"), "raibid:jobs") == "raibid:jobs"


def test_a_message_without_a_tenant_needs_a_name() -> None:
    with pytest.raises(InvalidOption, match="no tenant") as error:
        GUILDS.for_message(message())

    assert error.value.field == "stream"


def test_a_key_says_whose_it_is_and_how_urgent() -> None:
    found = GUILDS.read("jobs:guild:123:message_scan:high")

    assert (found.tenant, found.job_type, found.priority) == ("123", "message_scan", Priority.HIGH)
    assert found.base == "jobs:guild:123:message_scan"


def test_the_streams_of_all_tenants_are_counted_together() -> None:
    assert GUILDS.read("jobs:guild:5:message_scan:low").family == "jobs:guild:*:message_scan"
    assert GUILDS.read("raibid:jobs:low").family == "raibid:jobs"


def test_the_tenant_can_be_the_hash_tag_of_a_key() -> None:
    assert TAGGED.for_message(message("123")) == "jobs:{123}:test_message"
    assert TAGGED.read("jobs:{123}:test_message").tenant == "123"


@pytest.mark.parametrize("name", ["", "two words", "a|b", "rq:queue:x", "postroom:x", "a\n", "ü"])
def test_names_that_would_stand_in_the_way_are_refused(name: str) -> None:
    with pytest.raises(InvalidOption):
        GUILDS.for_message(message(), name)


def test_a_name_with_a_priority_is_refused_with_the_way_to_say_it() -> None:
    with pytest.raises(InvalidOption) as error:
        GUILDS.for_message(message(), "raibid:jobs:high")

    assert "priority=" in error.value.remedy


@pytest.mark.parametrize("tenant", ["a:b", "a b", "*", "x" * 101])
def test_a_tenant_cannot_reach_into_other_streams(tenant: str) -> None:
    with pytest.raises(InvalidOption):
        GUILDS.for_message(message(tenant))


def test_a_pattern_fits_a_stream_with_each_of_its_priorities() -> None:
    assert all(matches(key, ["raibid:jobs"]) for key in keys_of("raibid:jobs"))
    assert matches("jobs:guild:1:x:low", ["jobs:*"])
    assert not matches("raibid:jobs:late", ["raibid:jobs"])
