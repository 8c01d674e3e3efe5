"""What people see of streams, in the words of requirement 000, and that looking touches nothing."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from messages import Message, MessageScanMessage, Payload, Secret, ThumbnailRetryMessage
from monitoring.streams import StreamMonitor, SyncStreams
from monitoring.streams.groups import Group, Queued, Stream, queued
from monitoring.streams.reading import answered
from tests.monitoring.conftest import url_of
from tests.workers.streams.places import TEMPLATE, own
from workers import InvalidOption, Settings, publish, stream_keys

CONTRACT = json.loads((Path(__file__).parents[2] / "contract" / "000_streams.json").read_text())
SCANS, THUMBNAILS = own("jobs:guild:123:message_scan"), own("jobs:guild:123:thumbnail_retry")


@pytest.fixture(autouse=True)
def _own_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAM_TEMPLATE", TEMPLATE)


@pytest.fixture
def look(redis: Redis) -> SyncStreams:
    return SyncStreams(connection=redis, settings=Settings())


LOOKS: tuple[Callable[[SyncStreams], Any], ...] = (
    lambda look: look.peek_jobs(SCANS, 20, reverse=False),
    lambda look: look.get_pending_jobs_info(SCANS),
    lambda look: look.get_guild_job_stats("123"),
    lambda look: look.list_streams_for_guild("123"),
    lambda look: look.get_stream_info(SCANS),
)


def scan(**options: object) -> MessageScanMessage:
    return MessageScanMessage.of("123", "456").model_copy(update=dict(options))


@pytest.fixture
def guild(redis: Redis) -> None:
    """The guild of the requirement: ten and five that wait, three and two in hand."""
    for count, message in ((13, scan), (7, lambda: ThumbnailRetryMessage.of("123", "456"))):
        for _ in range(count):
            publish(message(), connection=redis)
    for stream, shares in ((SCANS, {"worker-1": 2, "worker-2": 1}), (THUMBNAILS, {"worker-1": 2})):
        redis.xgroup_create(stream, "workers", "0")
        for consumer, count in shares.items():
            redis.xreadgroup("workers", consumer, {stream: ">"}, count=count)


def shape(value: Any) -> Any:
    """Names and types, whatever the values; of a list, those of its first item."""
    if isinstance(value, Mapping):
        return {name: shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


# --- the contract --------------------------------------------------------------------------------


@pytest.mark.usefixtures("guild")
def test_a_peek_has_the_shape_of_the_requirement(look: SyncStreams) -> None:
    (found,) = look.peek_jobs(SCANS, count=1)
    asked = CONTRACT["peek_jobs"][0]

    assert asked.keys() <= found.keys()
    assert asked["job_data"].keys() <= found["job_data"].keys()
    assert shape(asked["metadata"]) == shape(found["metadata"])
    assert found["job_data"]["type"] == found["metadata"]["job_type"] == "message_scan"
    assert found["metadata"]["job_id"] == found["job_data"]["job_id"]


@pytest.mark.usefixtures("guild")
def test_a_peek_is_called_as_in_the_requirement(look: SyncStreams) -> None:
    newest = look.peek_jobs(SCANS, 10, True)
    by_name = look.peek_jobs(stream_name=SCANS, count=10, reverse=True)

    assert without_times(newest) == without_times(by_name)
    assert [job["message_id"] for job in newest] == sorted(
        (job["message_id"] for job in newest), key=_numbers, reverse=True
    )


def _numbers(entry_id: str) -> list[int]:
    return [int(part) for part in entry_id.split("-")]


@pytest.mark.usefixtures("guild")
def test_what_is_in_hand_has_the_shape_of_the_requirement(look: SyncStreams) -> None:
    found = look.get_pending_jobs_info(SCANS)

    assert shape(found) == shape(CONTRACT["get_pending_jobs_info"])
    assert (found["total_pending"], found["consumers"]) == (
        3,
        [{"name": "worker-1", "pending_count": 2}, {"name": "worker-2", "pending_count": 1}],
    )


@pytest.mark.usefixtures("guild")
def test_a_guilds_numbers_are_those_of_the_requirement(look: SyncStreams) -> None:
    found = look.get_guild_job_stats("123")
    asked = CONTRACT["get_guild_job_stats"]

    expected = json.loads(json.dumps(asked).replace("jobs:guild", own("jobs:guild")))
    recent = found.pop("recent_jobs")
    del expected["recent_jobs"]
    assert found == expected
    assert len(recent) == 10
    ids = [job["message_id"] for job in recent]
    assert ids == sorted(ids, key=_numbers, reverse=True)


@pytest.mark.usefixtures("guild")
def test_a_guilds_streams_are_listed(look: SyncStreams) -> None:
    assert look.list_streams_for_guild("123") == [SCANS, THUMBNAILS]


@pytest.mark.usefixtures("guild")
def test_awaiting_gives_the_same(redis_server, look: SyncStreams) -> None:
    async def all_of_it() -> list[object]:
        async with AsyncRedis.from_url(redis_server.url) as client:
            monitor: Any = StreamMonitor(connection=client)
            return [await one(monitor) for one in LOOKS]

    assert without_times(asyncio.run(all_of_it())) == without_times([one(look) for one in LOOKS])


def without_times(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: without_times(v) for k, v in value.items() if not k.endswith("_ms")}
    return [without_times(each) for each in value] if isinstance(value, list) else value


@pytest.mark.usefixtures("guild")
def test_a_client_that_decodes_sees_the_same(redis_server, look: SyncStreams) -> None:
    with Redis.from_url(redis_server.url, decode_responses=True) as client:
        decoding = SyncStreams(connection=client, settings=Settings())

        for one in LOOKS:
            assert without_times(one(decoding)) == without_times(one(look))


@pytest.mark.usefixtures("guild")
def test_the_monitor_connects_by_itself_and_has_plain_calls() -> None:
    async def look() -> tuple[int, int]:
        async with StreamMonitor() as monitor:
            info = await monitor.get_stream_info(SCANS)
            return info["length"], len(monitor.sync.peek_jobs(SCANS))

    assert asyncio.run(look()) == (13, 10)


def test_plain_calls_look_at_the_server_that_was_given(own_server: Redis) -> None:
    own_server.xadd("elsewhere", {"a": "b"})

    async def look() -> int:
        async with (
            AsyncRedis.from_url(url_of(own_server)) as client,
            StreamMonitor(connection=client) as monitor,
        ):
            return len(monitor.sync.peek_jobs("elsewhere"))

    assert asyncio.run(look()) == 1


# --- states --------------------------------------------------------------------------------------


def test_each_entry_says_how_far_it_is(redis: Redis, look: SyncStreams) -> None:
    for _ in range(3):
        publish(scan(), connection=redis)
    redis.xgroup_create(SCANS, "workers", "0")
    read = redis.xreadgroup("workers", "worker-1", {SCANS: ">"}, count=2)[0][1]
    redis.xack(SCANS, "workers", read[0][0])
    states = [job["state"] for job in look.peek_jobs(SCANS, reverse=False)]

    assert states[0] == {"name": "done"}
    assert states[1].pop("idle_ms") >= 0
    assert states[1] == {"name": "pending", "consumer": "worker-1", "deliveries": 1}
    assert states[2] == {"name": "waiting"}


def test_without_a_group_everything_waits(redis: Redis, look: SyncStreams) -> None:
    publish(scan(), connection=redis)

    assert look.peek_jobs(SCANS)[0]["state"] == {"name": "waiting"}


def test_the_only_group_there_is_counts_and_of_several_the_default(
    redis: Redis, look: SyncStreams
) -> None:
    publish(scan(), connection=redis)
    redis.xgroup_create(SCANS, "others", "0")
    redis.xreadgroup("others", "a", {SCANS: ">"})
    assert look.peek_jobs(SCANS)[0]["state"]["name"] == "pending"

    redis.xgroup_create(SCANS, "workers", "0")
    assert look.peek_jobs(SCANS)[0]["state"]["name"] == "waiting"
    assert look.get_pending_jobs_info(SCANS, "others")["total_pending"] == 1


def test_what_waits_is_counted_for_the_group_that_is_furthest_behind(
    redis: Redis, look: SyncStreams
) -> None:
    for _ in range(4):
        publish(scan(), connection=redis)
    for group, count in (("workers", 4), ("late", 1)):
        redis.xgroup_create(SCANS, group, "0")
        redis.xreadgroup(group, "a", {SCANS: ">"}, count=count)

    assert look.get_guild_job_stats("123")["total_queued"] == 3


def test_the_streams_of_three_priorities_are_one_row(redis: Redis, look: SyncStreams) -> None:
    for priority in ("high", "normal", "low"):
        publish(scan(), priority=priority, connection=redis)
    found = look.get_guild_job_stats("123")

    assert [row["stream_name"] for row in found["streams"]] == [SCANS]
    assert (found["total_queued"], len(found["recent_jobs"])) == (3, 3)


def test_a_guild_with_many_streams_shows_twenty_and_asks_a_few_times(
    redis: Redis, look: SyncStreams
) -> None:
    for number in range(12):
        for _ in range(6):
            publish(scan(), stream=own(f"jobs:guild:123:t{number}"), connection=redis)
    before = redis.info("commandstats").get("cmdstat_xpending", {}).get("calls", 0)
    found = look.get_guild_job_stats("123")

    assert len(found["recent_jobs"]) == 20
    assert redis.info("commandstats").get("cmdstat_xpending", {}).get("calls", 0) == before


# --- what is missing, or strange -----------------------------------------------------------------


def test_a_name_that_does_not_exist_gives_nothing_and_a_hint(
    redis: Redis, look: SyncStreams
) -> None:
    publish(scan(), connection=redis)
    wrong = own("jobs:guild:123:mesage_scan")

    assert look.peek_jobs(wrong) == []
    assert SCANS in look.get_pending_jobs_info(wrong)["hint"]
    assert SCANS in look.get_stream_info(wrong)["hint"]


def test_a_group_that_does_not_exist_gives_zeros_and_a_hint(
    redis: Redis, look: SyncStreams
) -> None:
    publish(scan(), connection=redis)
    found = look.get_pending_jobs_info(SCANS)

    assert (found["total_pending"], found["consumers"]) == (0, [])
    assert "postroom streams worker" in found["hint"]


def test_a_guild_without_streams_gives_zeros_and_says_how_they_are_called(
    look: SyncStreams,
) -> None:
    found = look.get_guild_job_stats("999")

    assert (found["total_queued"], found["streams"], found["recent_jobs"]) == (0, [], [])
    assert own("jobs:guild:999:*") in found["hint"]


def test_a_result_that_says_something_has_no_hint(redis: Redis, look: SyncStreams, guild) -> None:
    assert "hint" not in look.get_pending_jobs_info(SCANS)
    assert "hint" not in look.get_guild_job_stats("123")
    assert "hint" not in look.get_stream_info(SCANS)


def test_another_kind_of_key_is_no_stream(redis: Redis, look: SyncStreams) -> None:
    redis.set(SCANS, "x")

    assert look.peek_jobs(SCANS) == []
    assert look.get_stream_info(SCANS)["length"] == 0
    for found in (look.get_pending_jobs_info(SCANS), look.get_stream_info(SCANS)):
        assert found["hint"] == f"{SCANS} is no stream but a string."


def test_an_emptied_stream_is_still_one(redis: Redis, look: SyncStreams, guild) -> None:
    redis.xtrim(SCANS, maxlen=0, approximate=False)
    found = look.get_stream_info(SCANS)

    assert "hint" not in found
    assert (found["length"], found["first_id"], found["last_id"]) == (0, None, None)
    assert found["groups"][0]["trimmed_count"] == found["groups"][0]["pending_count"] == 3
    assert look.peek_jobs(SCANS) == []


def test_a_stream_that_was_removed_is_not_offered_in_its_own_place(
    redis: Redis, look: SyncStreams, guild
) -> None:
    redis.delete(SCANS)

    assert "was removed" in look.get_stream_info(SCANS)["hint"]


def test_among_very_many_names_the_nearest_is_found_at_once(
    redis: Redis, look: SyncStreams
) -> None:
    for begin in range(0, 100_000, 10_000):
        redis.sadd(
            stream_keys.streams(),
            *(own(f"jobs:guild:{n}:scan") for n in range(begin, begin + 10_000)),
        )
    began = time.monotonic()
    hint = look.get_stream_info(own("jobs:guild:777:scann"))["hint"]

    assert own("jobs:guild:777:scan") in hint
    assert time.monotonic() - began < 1.5


def test_no_guild_is_not_every_guild(redis: Redis, look: SyncStreams, guild) -> None:
    assert look.list_streams_for_guild("") == []
    assert look.get_guild_job_stats("")["streams"] == []


@pytest.mark.parametrize("name", ["", " ", "\0", "a\nb", "ü|{}*[?", "\udcff", "x" * 5_000])
def test_a_name_may_hold_anything(redis: Redis, look: SyncStreams, name: str) -> None:
    publish(scan(), connection=redis)

    assert (look.peek_jobs(name), look.list_streams_for_guild(name)) == ([], [])
    assert look.get_guild_job_stats(name)["hint"]
    for found in (
        look.get_pending_jobs_info(name),
        look.get_pending_jobs_info(SCANS, name),
        look.get_stream_info(name),
    ):
        assert json.dumps(found, ensure_ascii=False).encode()
        assert found["hint"]


def test_the_names_of_groups_and_consumers_need_not_be_text(
    redis: Redis, look: SyncStreams
) -> None:
    redis.xadd(SCANS, {b"job_type": b"\xff", b"\xfe": b"\xfd"})
    redis.xgroup_create(SCANS, b"group\xff", "0")
    redis.xreadgroup(b"group\xff", b"consumer\xff", {SCANS: ">"})
    in_hand = [{"name": "consumer\ufffd", "pending_count": 1}]
    redis.sadd(stream_keys.streams("123"), SCANS)

    assert look.get_pending_jobs_info(SCANS)["consumers"] == in_hand
    assert look.get_guild_job_stats("123")["streams"][0]["consumers"] == in_hand
    assert look.peek_jobs(SCANS)[0]["state"]["consumer"] == "consumer\ufffd"
    (group,) = look.get_stream_info(SCANS)["groups"]
    assert (group["name"], group["pending_count"]) == ("group\ufffd", 1)
    assert look.get_pending_jobs_info(SCANS, "group\ufffd")["total_pending"] == 1


@pytest.mark.parametrize("count", [0, -1, 201])
def test_a_look_has_a_limit(look: SyncStreams, count: int) -> None:
    with pytest.raises(InvalidOption) as error:
        look.peek_jobs(SCANS, count)

    assert (error.value.field, "1 to 200" in error.value.remedy) == ("count", True)


def test_entries_by_hand_are_shown_as_they_are(redis: Redis, look: SyncStreams) -> None:
    redis.xadd(SCANS, {"anything": "at all", "password": "x"})
    (found,) = look.peek_jobs(SCANS)

    assert found["job_data"]["anything"] == "at all"
    assert found["job_data"]["password"] == "***"


class CardData(Payload):
    """Data with a secret."""

    card_number: Annotated[str, Secret]
    type: str


class CardMessage(Message):
    """Has one."""

    job_types: ClassVar[tuple[str, ...]] = ("card_monitored",)
    message_type: Literal["CARD_MONITORED"] = "CARD_MONITORED"
    data: CardData


def test_secrets_are_masked(redis: Redis, look: SyncStreams) -> None:
    message = CardMessage(data=CardData(card_number="4111", type="debit"))
    publish(message, stream=SCANS, connection=redis)
    (found,) = look.peek_jobs(SCANS)

    assert found["job_data"]["card_number"] == "***"
    assert (found["job_data"]["type"], found["job_data"]["data.type"]) == (
        "card_monitored",
        "debit",
    )


# --- info ----------------------------------------------------------------------------------------


def test_info_tells_of_groups_and_consumers_and_of_what_is_gone(
    redis: Redis, look: SyncStreams, guild
) -> None:
    redis.xtrim(SCANS, maxlen=11, approximate=False)
    found = look.get_stream_info(SCANS)
    (group,) = found["groups"]

    assert (found["length"], found["limit"]) == (11, 10_000)
    assert (group["name"], group["pending_count"], group["trimmed_count"]) == ("workers", 3, 2)
    assert group["oldest_pending_ms"] >= 0
    assert [each["alive"] for each in group["consumers"]] == [None, None]


@pytest.mark.parametrize(
    ("lag", "delivered", "expected"),
    [
        (3, "5-0", Queued(3)),
        (3, "9-0", Queued(0)),  # it has had the last one
        (50, "5-0", Queued(2)),  # the server counts what others have trimmed
        (None, "5-0", Queued(2)),  # Redis 6
    ],
)
def test_what_waits_is_counted_where_the_server_does_not_know(
    redis: Redis, lag: int | None, delivered: str, expected: Queued
) -> None:
    for number in (4, 5, 6, 9):
        redis.xadd(SCANS, {"a": "b"}, id=f"{number}-0")
    group = Group("workers", 0, delivered, lag)
    stream = Stream(SCANS, 4, "9-0", [group])

    assert answered(queued([(stream, group)]), redis) == [expected]


def test_a_count_that_ends_at_the_limit_says_so(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitoring.streams.groups.MOST_COUNTED", 2)
    for number in range(1, 5):
        redis.xadd(SCANS, {"a": "b"}, id=f"{number}-0")
    group = Group("workers", 0, "0-0", None)
    found = answered(queued([(Stream(SCANS, 4, "4-0", [group]), group)]), redis)

    assert found == [Queued(2, is_lower_bound=True)]
