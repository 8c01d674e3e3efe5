"""Whose a job or a dead letter is stands where lists of a tenant are read from."""

from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from messages import EmailMessage, MessageScanMessage
from tests.workers.letters import bury_message, email
from workers import By, dead_letters, enqueue, enqueue_many, keys
from workers.settings import load_settings
from workers.tenant_keys import dead_letters_of, older_tenant_index, tenant_index
from workers.tenants import mark_of, tenant_mark

BY = By("ann", "because")


def of(tenant: str) -> EmailMessage:
    return email(metadata={"tenant": tenant})


def ids_of(redis: Redis, tenant: str) -> list[str]:
    return [line.decode().partition(" ")[2] for line in redis.lrange(tenant_index(tenant), 0, -1)]


def letters_of(redis: Redis, tenant: str) -> set[str]:
    return {name.decode() for name in redis.zrange(dead_letters_of(tenant), 0, -1)}


def test_a_job_says_whose_it_is_and_stands_in_the_index_of_its_tenant(redis: Redis) -> None:
    first, other = enqueue_many([of("7"), of("8")], connection=redis)

    assert ids_of(redis, "7") == [first]
    assert ids_of(redis, "8") == [other]
    assert redis.hget(keys.job(first), "tenant") == b"7"


def test_what_the_type_says_of_the_tenant_counts(redis: Redis) -> None:
    scan = MessageScanMessage.model_validate(
        {"data": {"guildId": "9", "channelId": "1"}, "metadata": {"tenant": "7"}}
    )
    handle = enqueue(scan, queue="email", connection=redis)

    assert ids_of(redis, "9") == [handle.id]
    assert ids_of(redis, "7") == []


@pytest.mark.parametrize("metadata", [None, {}, {"tenant": ""}, {"tenant": 7}])
def test_a_job_of_nobody_writes_nothing_more_than_before(redis: Redis, metadata) -> None:
    handle = enqueue(email(metadata=metadata), connection=redis)

    assert redis.hget(keys.job(handle.id), "tenant") is None
    assert not list(redis.scan_iter("*tenant-index*"))


def test_a_long_name_is_written_as_its_digest(redis: Redis) -> None:
    name = "a" * 5_000
    handle = enqueue(of(name), connection=redis)
    stored = redis.hget(keys.job(handle.id), "tenant").decode()

    assert stored == tenant_mark(name)
    assert len(stored) < 50
    assert ids_of(redis, stored) == [handle.id]


def test_a_full_index_of_a_tenant_keeps_its_newest_jobs(redis: Redis) -> None:
    settings = load_settings().model_copy(update={"index_jobs": 4})
    ids = [enqueue(of("7"), connection=redis, settings=settings).id for _ in range(5)]
    older = [line.decode().split(" ")[1] for line in redis.lrange(older_tenant_index("7"), 0, -1)]

    assert (older, ids_of(redis, "7")) == (ids[2:4], ids[4:])
    assert 0 < redis.ttl(tenant_index("7")) <= settings.index_days * 86_400


def test_a_message_that_was_sent_twice_stands_there_once(redis: Redis) -> None:
    message = of("7")
    for _ in range(2):
        enqueue(message, connection=redis)

    assert ids_of(redis, "7") == [message.message_id]


def test_a_letter_stands_in_the_list_of_its_tenant_until_it_is_replayed(redis: Redis) -> None:
    job_id = bury_message(redis, of("7"))
    assert letters_of(redis, "7") == {job_id}

    new_id = dead_letters.replay(job_id, by=BY, connection=redis)

    assert letters_of(redis, "7") == set()
    assert new_id in ids_of(redis, "7")


def test_a_letter_leaves_the_list_by_purge_by_age_and_when_its_job_runs_again(redis: Redis) -> None:
    purged, resolved, old = (bury_message(redis, of("7")) for _ in range(3))

    dead_letters.purge(purged, by=BY, connection=redis)
    assert letters_of(redis, "7") == {resolved, old}
    dead_letters.resolve(resolved, connection=redis)
    assert letters_of(redis, "7") == {old}
    later = datetime.now(UTC) + timedelta(days=2)
    dead_letters.remove_old(older_than=timedelta(days=1), now=later, connection=redis)
    assert letters_of(redis, "7") == set()


def test_a_letter_whose_data_says_another_tenant_goes_to_that_one(redis: Redis) -> None:
    scan = MessageScanMessage.model_validate({"data": {"guildId": "7", "channelId": "1"}})
    job_id = bury_message(redis, scan)

    dead_letters.edit(job_id, {"guildId": "8"}, by=BY, connection=redis)

    assert (letters_of(redis, "7"), letters_of(redis, "8")) == (set(), {job_id})


def test_an_imported_letter_and_a_spilled_one_stay_their_tenants(redis: Redis, tmp_path) -> None:
    kept = bury_message(redis, of("7"))
    lines = list(dead_letters.export_letters(by=BY, connection=redis))
    dead_letters.purge(kept, by=BY, connection=redis)
    dead_letters.import_letters(lines, by=BY, connection=redis)
    settings = load_settings().model_copy(
        update={"dead_letter_limit": 1, "dead_letter_spill": tmp_path / "spilled.jsonl"}
    )
    spilled = dead_letters.DeadLetter(
        "job-2",
        "EMAIL",
        "email",
        "exhausted",
        "",
        datetime.now(UTC).isoformat(),
        envelope=of("7").model_dump(mode="json", by_alias=True),
    )
    dead_letters.bury(spilled, meta={}, connection=redis, settings=settings)

    assert letters_of(redis, "7") == {kept, "job-2"}
    page = dead_letters.page(dead_letters.Filter(tenant="7"), connection=redis)
    assert [letter.job_id for letter in page.letters] == ["job-2", kept]


def test_only_the_letters_of_a_tenant_are_on_its_pages(redis: Redis) -> None:
    for tenant in ("8", "7", "8", "7", "8"):
        bury_message(redis, of(tenant))
    wanted = dead_letters.Filter(tenant="7")

    first = dead_letters.page(wanted, limit=1, connection=redis)
    second = dead_letters.page(wanted, limit=5, cursor=first.cursor, connection=redis)

    assert {each.tenant for each in (*first.letters, *second.letters)} == {"7"}
    assert len(first.letters) + len(second.letters) == 2
    assert dead_letters.count(tenant="7", connection=redis) == 2


def test_a_letter_that_went_to_another_tenant_after_the_dry_run_is_not_touched(redis) -> None:
    ids = [
        bury_message(
            redis,
            MessageScanMessage.model_validate({"data": {"guildId": "7", "channelId": "1"}}),
        )
        for _ in range(2)
    ]
    wanted = dead_letters.Filter(tenant="7")

    assert dead_letters.dry_purge(wanted, connection=redis).job_ids == ids
    dead_letters.edit(ids[0], {"guildId": "8"}, by=BY, connection=redis)
    dead_letters.purge_all(wanted, by=BY, connection=redis)

    assert dead_letters.find(ids[0], connection=redis) is not None
    assert dead_letters.find(ids[1], connection=redis) is None


def test_what_cannot_be_read_is_nobodys() -> None:
    assert mark_of({"messageType": "NONE-SUCH", "metadata": {"tenant": "7"}}) == ""
    assert mark_of("text") == ""
    assert mark_of(of("7").model_dump(mode="json", by_alias=True)) == "7"
