"""What a search finds, in how many round trips, and what it says to what it cannot read."""

import itertools
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from messages import EmailMessage
from monitoring.errors import InvalidQuery, QueueNotFound
from monitoring.search import MOST_HITS, MOST_TRIPS, search_jobs
from monitoring.search.query import parse_query
from postroom.embedded import redis_server as running_server
from tests.monitoring.search.ledger import NOW, STATUS, fill, fits, samples
from tests.monitoring.slow_commands import note_slow_commands, slow_commands
from tests.monitoring.trips import counting
from tests.workers.failing import Failing, an_email, raised
from workers import By, Settings, dead_letters, enqueue, enqueue_many, keys, pauses
from workers.dead_letters import Filter
from workers.indexing import entry_from

JOBS = 2_000


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    """A server of some thousand jobs, those of the error samples among them; only read."""
    with (
        running_server(tmp_path_factory.mktemp("ledger")) as server,
        Redis.from_url(server.url) as client,
    ):
        jobs = fill(client, JOBS)
        sampled = samples(client, jobs)
        note_slow_commands(client, least_ms=10)
        with counting(server.url) as counted:
            yield counted, jobs, sampled
        assert slow_commands(client) == []


def found(client, query, *, limit=MOST_HITS, **options):
    """All pages of a search: ids in their order, and how many pages were partial."""
    ids, cursor, partial = [], None, 0
    for _ in range(JOBS):
        client.trips  # noqa: B018 - begins to count anew
        page = search_jobs(
            query, limit=limit, cursor=cursor, now=NOW, seconds=9, connection=client, **options
        )
        assert client.trips == page["roundTrips"] <= MOST_TRIPS
        assert len(page["jobs"]) <= limit
        assert len(page["jobs"]) == limit or page["partial"] or page["cursor"] is None
        ids += [job["jobId"] for job in page["jobs"]]
        partial += page["partial"]
        cursor = page["cursor"]
        if cursor is None:
            return ids, partial
    pytest.fail(f"{query} has no end")


def iso(seconds):
    return (NOW - timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


VALUES = {
    "type": ("EMAIL", "NOTE_ENRICHMENT", "TEST", "BUILD"),
    "to": ("often@example.com", "ten@example.com", "nobody@example.com"),
    "note_id": ("often", "n-10", "nothing"),
    "queue": ("email", "seldom", "data_sync"),
    "state": ("waiting", "active", "failed", "canceled"),
    "id": ("{many}", "{ten}", "{one}", "zzz"),
    "error": ("ordererror", '"timed out"', '"nothing like it"'),
    "since": (iso(2_000), iso(10), iso(-60)),
    "until": (iso(1_000), iso(JOBS - 10), iso(JOBS + 60)),
    "wait": (">20s", ">99s", "<1s"),
    "run": (">3s", "<1s", ">6s"),
    "-type": ("EMAIL", "TEST"),
    "-queue": ("email", "seldom"),
    "-state": ("waiting", "failed"),
}
"""Of each qualifier values with many hits, with about ten and with none."""


@pytest.fixture(scope="module")
def ids_of_many_ten_and_one(ledger):
    """Beginnings of ids that so many jobs share, by the name they have in VALUES."""
    _, jobs, _ = ledger
    ids = sorted(job.id for job in jobs)
    tens = next(
        prefix
        for length in range(36, 0, -1)
        for prefix in [ids[JOBS // 2][:length]]
        if sum(each.startswith(prefix) for each in ids) >= 8
    )
    return {"many": ids[0][:8], "ten": tens, "one": ids[7]}


@pytest.mark.parametrize("names", list(itertools.combinations(VALUES, 2)), ids="-".join)
def test_every_pair_of_qualifiers_finds_what_the_ledger_has(ledger, ids_of_many_ten_and_one, names):
    client, jobs, sampled = ledger
    if set(names) == {"to", "note_id"}:
        with pytest.raises(InvalidQuery, match="No message type has the fields"):
            search_jobs("to:a note_id:b", connection=client)
        return
    for pair in itertools.product(*(VALUES[name] for name in names)):
        values = (value.format(**ids_of_many_ten_and_one) for value in pair)
        asked = list(zip(names, values, strict=True))
        if ("type", "NOTE_ENRICHMENT") in asked and "to" in names:
            continue  # refused: a note has no address
        if "note_id" in names and asked[0] in {("type", "EMAIL"), ("type", "TEST")}:
            continue
        if {"to", "note_id"} & set(names) and asked[0][1] in {"BUILD", "TEST"}:
            continue
        query = " ".join(f"{name}:{value}" for name, value in asked)
        expected = {job.id for job in jobs if all(fits(job, *each, sampled) for each in asked)}

        ids, _ = found(client, query)

        assert len(ids) == len(set(ids)), query
        assert set(ids) == expected, query


@pytest.mark.parametrize("limit", [1, 7, 50])
@pytest.mark.parametrize(
    "query",
    [
        "type:EMAIL to:ten@example.com",
        "to:ten@example.com state:failed",
        "state:held queue:email",
        "queue:seldom",
        "state:canceled",
        "type:NOTE_ENRICHMENT state:active queue:notes",
        'error:"timed out" type:EMAIL',
        f"until:{iso(JOBS - 40)} type:EMAIL",
    ],
)
def test_pages_of_any_size_have_each_hit_once(ledger, query, limit):
    client, jobs, sampled = ledger
    pairs = [part.split(":", 1) for part in query.replace("timed out", "timed~out").split()]
    asked = [(name, value.replace("~", " ")) for name, value in pairs]
    expected = {job.id for job in jobs if all(fits(job, *each, sampled) for each in asked)}

    ids, _ = found(client, query, limit=limit)

    assert len(ids) == len(set(ids))
    assert set(ids) == expected
    assert expected


@pytest.mark.parametrize("state", [*STATUS])
def test_each_state_is_found_by_itself_and_of_a_type(ledger, state):
    client, jobs, _ = ledger
    of_state = {job.id for job in jobs if job.state == state}

    assert set(found(client, f"state:{state}")[0]) == of_state
    notes = {job.id for job in jobs if job.id in of_state and job.kind == "NOTE_ENRICHMENT"}
    assert set(found(client, f"state:{state} type:NOTE_ENRICHMENT")[0]) == notes


def test_nothing_asked_for_finds_all(ledger):
    client, jobs, _ = ledger

    ids, partial = found(client, "")

    assert sorted(ids) == sorted(job.id for job in jobs)
    assert partial == 0


def test_rows_are_those_of_the_list_of_jobs_and_hold_no_payload(ledger):
    client, jobs, _ = ledger
    by_id = {job.id: job for job in jobs}

    page = search_jobs("type:EMAIL", limit=100, connection=client)

    for row in page["jobs"]:
        job = by_id[row["jobId"]]
        assert (row["queue"], row["state"], row["messageType"]) == (job.queue, job.state, "EMAIL")
        assert datetime.fromisoformat(row["createdAt"]) == job.sent
    assert set(page["jobs"][0]) == {
        *("jobId", "messageType", "queue", "state", "status"),
        *("createdAt", "enqueuedAt", "startedAt", "endedAt"),
    }
    assert "example.com" not in str(page)


# --- the budget -----------------------------------------------------------------------------------


def test_a_search_that_finds_nothing_soon_says_where_to_go_on(redis, redis_server):
    sent = [an_email(number) for number in range(8_000)]
    ids = enqueue_many(sent, connection=redis, settings=Settings(index_jobs=0))
    redis.hset(keys.job(ids[0]), "created_at", "2020-01-01T00:00:00.000000Z")

    with counting(redis_server.url) as client:
        query = "state:waiting until:2021-01-01T00:00:00Z"
        page = search_jobs(query, seconds=9, connection=client)
        assert (page["jobs"], page["partial"], page["roundTrips"]) == ([], True, 18)
        assert page["cursor"] is not None
        found_ids, partial = found(client, "state:waiting until:2021-01-01T00:00:00Z")
    assert found_ids == ids[:1]
    assert partial == 1


def test_a_search_that_takes_long_ends_soon_and_gets_on_all_the_same(redis):
    ids = enqueue_many(
        [an_email(n) for n in range(3_000)], connection=redis, settings=Settings(index_jobs=0)
    )
    redis.hset(keys.job(ids[0]), "created_at", "2020-01-01T00:00:00.000000Z")

    pages, cursor = [], None
    while not pages or cursor:
        query = "state:waiting until:2021-01-01T00:00:00Z"
        pages.append(search_jobs(query, seconds=1e-9, cursor=cursor, connection=redis))
        cursor = pages[-1]["cursor"]

    assert [page["partial"] for page in pages] == [*[True] * (len(pages) - 1), False]
    assert [job["jobId"] for page in pages for job in page["jobs"]] == ids[:1]
    assert 3 <= len(pages) <= 8


def test_jobs_that_come_and_go_between_pages_neither_repeat_others_nor_hide_them(redis):
    ids = enqueue_many([an_email(n) for n in range(300)], connection=redis, queue="email")
    first = search_jobs("queue:email state:waiting", limit=50, connection=redis)

    enqueue_many([an_email(n) for n in range(700)], connection=redis, queue="email")
    redis.lpop(keys.queue("email"), 100)
    redis.lrem(keys.queue("email"), 1, first["jobs"][7]["jobId"])
    rest = []
    cursor = first["cursor"]
    while cursor:
        page = search_jobs("queue:email state:waiting", limit=60, cursor=cursor, connection=redis)
        rest += [job["jobId"] for job in page["jobs"]]
        cursor = page["cursor"]

    assert [job["jobId"] for job in first["jobs"]] == ids[:-51:-1]
    assert rest == ids[-51:99:-1]


def test_a_failed_job_that_goes_hides_no_other(redis):
    ids = enqueue_many([an_email(n) for n in range(30)], connection=redis, queue="email")
    redis.delete(keys.queue("email"))
    for number, job_id in enumerate(ids):
        redis.zadd(keys.failed("email"), {job_id: 1_800_000_000 + number // 10})
        redis.hset(keys.job(job_id), "status", "failed")
    first = search_jobs("state:failed", limit=10, connection=redis)

    newest_first = redis.zrevrange(keys.failed("email"), 0, -1)
    redis.zrem(keys.failed("email"), newest_first[3], newest_first[9])
    rest = search_jobs("state:failed", limit=50, cursor=first["cursor"], connection=redis)

    seen = [job["jobId"].encode() for job in [*first["jobs"], *rest["jobs"]]]
    assert seen == newest_first


def test_pages_go_on_when_the_halves_of_the_index_turn(redis):
    few = Settings(index_jobs=40)
    ids = [enqueue(an_email(n), connection=redis, settings=few).id for n in range(15)]
    queries = ("type:EMAIL", "type:EMAIL state:waiting")
    first = {query: search_jobs(query, limit=5, connection=redis) for query in queries}

    for number in range(10):
        enqueue(an_email(number), connection=redis, settings=few)

    line = redis.lindex(keys.older_index("EMAIL"), 0)
    assert entry_from(line).job_id == ids[0]
    for query, page in first.items():
        rest = search_jobs(query, limit=50, cursor=page["cursor"], connection=redis)
        both = [job["jobId"] for job in [*page["jobs"], *rest["jobs"]]]
        assert both == ids[::-1]


# --- what a job is --------------------------------------------------------------------------------


def test_a_part_of_an_id_is_enough_and_needs_no_qualifier(redis):
    job = enqueue(an_email(), connection=redis)

    for query in (job.id, job.id[:8], f"id:{job.id[:20]}", f"id:{job.id} type:EMAIL"):
        [row] = search_jobs(query, connection=redis)["jobs"]
        assert row["jobId"] == job.id


def test_a_replayed_job_is_no_failed_one_any_more(redis):
    job_id = Failing(redis).died(raised("closed"))
    dead_letters.replay(job_id, by=By("ada", "mended"), connection=redis)

    [row] = search_jobs(f"id:{job_id}", connection=redis)["jobs"]
    assert (row["state"], row["status"]) == ("replayed", "failed")
    assert search_jobs(f"id:{job_id} state:failed", connection=redis)["jobs"] == []


def test_an_error_is_found_by_its_words_whatever_numbers_it_had(redis):
    failing = Failing(redis)
    ids = [failing.died(raised(f"order {number} of 'ada' is closed")) for number in range(3)]
    failing.died(raised("something else"))

    page = search_jobs('error:"order 4711 is CLOSED"', connection=redis)

    assert [job["jobId"] for job in page["jobs"]] == ids[::-1]
    assert page["groups"] == [redis.zrange(keys.failures(), 0, 0)[0].decode()]
    assert search_jobs("error:closederror", connection=redis)["groups"] != page["groups"]


def test_a_dead_letter_is_found_when_its_job_is_gone(redis):
    failing = Failing(redis)
    job_id = failing.died(raised("closed"))
    redis.delete(keys.job(job_id))

    for query in ("error:closed", job_id, "error:closed type:EMAIL queue:email state:failed"):
        [row] = search_jobs(query, connection=redis)["jobs"]
        assert (row["jobId"], row["status"], row["state"]) == (job_id, "buried", "failed")
    for query in ("error:closed type:TEST", f"{job_id} state:waiting", f"{job_id} until:1d"):
        assert search_jobs(query, connection=redis)["jobs"] == []
    [letter] = dead_letters.page(Filter(), connection=redis).letters
    assert letter.job_id == job_id


def test_a_job_whose_record_is_gone_is_passed_over(redis):
    gone, there = (enqueue(an_email(), connection=redis).id for _ in range(2))
    redis.delete(keys.job(gone))
    redis.set(keys.job("strange"), "no hash")
    redis.rpush(keys.queue("email"), "strange")

    for query in ("type:EMAIL", "state:waiting queue:email", "to:ada-1@example.com"):
        assert [row["jobId"] for row in search_jobs(query, connection=redis)["jobs"]] == [there]


def test_a_leased_job_is_active_before_its_record_says_so(redis):
    failing = Failing(redis)
    _, sent = failing._began("v1", None)

    for query in ("state:active", "type:EMAIL state:active", "to:ada-1@example.com state:active"):
        [row] = search_jobs(query, connection=redis)["jobs"]
        assert (row["jobId"], row["state"]) == (sent.message_id, "active")
    assert search_jobs("type:EMAIL state:waiting", connection=redis)["jobs"] == []
    assert search_jobs("type:EMAIL", connection=redis)["jobs"][0]["state"] == "active"


def test_jobs_of_a_type_without_index_are_found_where_they_stand(redis):
    job = enqueue(an_email(), connection=redis, settings=Settings(index_jobs=0))

    [row] = search_jobs("type:EMAIL", connection=redis)["jobs"]
    assert row["jobId"] == job.id
    assert search_jobs("to:ada-1@example.com", connection=redis)["jobs"] == []


def test_a_value_with_spaces_or_a_long_one_is_found(redis):
    address = f"{'x' * 150}@example.com"
    job = enqueue(EmailMessage.of(address, "Hello", "welcome"), connection=redis)

    for query in (f"to:{address}", f'to:"{address}"', f"data.to:{address}"):
        assert search_jobs(query, connection=redis)["jobs"][0]["jobId"] == job.id


# --- what cannot be read --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "field", "remedy"),
    [
        ("tpe:EMAIL", "tpe", "type"),
        ("type:EMIAL", "type", "EMAIL"),
        ("state:fail", "state", "failed"),
        ("noteid:4", "noteid", "note_id"),
        ("type:EMAIL note_id:4", "note_id", "to"),
        ("data.state:x", "data.state", "activity_id"),
        ("to:a to:b", "to", "one value"),
        ("to:", "to", "to:VALUE"),
        ('to:"a', "query", "double quotes"),
        ("hello", "query", 'error:"hello"'),
        ("since:yesterday", "since", "2h"),
        ("since:2026-01-15T12:00:00", "since", "2h"),
        ("since:999999d", "since", "2h"),
        ('error:"17"', "error", "without numbers"),
        ("wait:5m", "wait", "wait:>5m"),
        ("run:>5", "run", "run:<30s"),
        ("-wait:>5m", "-wait", "type, queue, state"),
        ("-to:a", "-to", "type, queue, state"),
        ("-type:EMIAL", "type", "EMAIL"),
        ("-state:", "-state", "VALUE"),
        ("-type:EMAIL -type:TEST", "-type", "one value"),
        ("x" * 2_001, "query", "2,000"),
        ("to:\udcff", "query", "anew"),
    ],
)
def test_a_wrong_qualifier_is_told_with_those_that_are_near(query, field, remedy):
    with pytest.raises(InvalidQuery) as refused:
        parse_query(query, now=NOW)
    assert refused.value.field == field
    assert remedy in (refused.value.remedy or "")


def test_names_are_read_as_they_stand_in_json_and_in_python():
    assert parse_query("noteId:4", now=NOW) == parse_query("note_id:4", now=NOW)
    assert parse_query("type:email", now=NOW).message_type == "EMAIL"
    assert parse_query("since:2h", now=NOW).since == NOW - timedelta(hours=2)
    assert parse_query('error:"a \\"b"', now=NOW).error == ("a", '"b')
    assert parse_query("since:2026-01-15T13:00:00+01:00", now=NOW).since == NOW.astimezone(UTC)


def test_an_unknown_queue_is_told_with_those_that_are_near(redis):
    for query in ("queue:emial", "-queue:emial"):
        with pytest.raises(QueueNotFound, match="no queue 'emial'") as refused:
            search_jobs(query, connection=redis)
        assert "email" in (refused.value.remedy or "")


@pytest.mark.parametrize("cursor", ["next", "WzFd", "bnVsbA=="])
def test_a_cursor_that_is_none_is_refused(redis, cursor):
    with pytest.raises(InvalidQuery, match="no cursor of this query"):
        search_jobs("type:EMAIL", cursor=cursor, connection=redis)


@pytest.mark.parametrize("place", [[7], ["x"], [None], [[]], [], ["a", "b"], [-5, -5], ["x", 1]])
@pytest.mark.parametrize("query", ["type:EMAIL", "to:ada-1@example.com", "state:waiting"])
def test_a_cursor_that_somebody_made_up_breaks_nothing(redis, query, place):
    enqueue_many([an_email(n) for n in range(3)], connection=redis)
    enqueue_many([an_email(1) for _ in range(3)], connection=redis)
    cursor = search_jobs(query, limit=1, connection=redis)["cursor"]
    parts = json.loads(urlsafe_b64decode(cursor))
    parts[-1] = place
    forged = urlsafe_b64encode(json.dumps(parts).encode()).decode()

    with suppress(InvalidQuery):
        search_jobs(query, cursor=forged, connection=redis)


def test_a_cursor_belongs_to_its_query(redis):
    enqueue_many([an_email(n) for n in range(3)], connection=redis)
    page = search_jobs("type:EMAIL", limit=1, connection=redis)

    with pytest.raises(InvalidQuery, match="no cursor of this query"):
        search_jobs("type:TEST", cursor=page["cursor"], connection=redis)


@pytest.mark.parametrize("limit", [0, MOST_HITS + 1])
def test_a_limit_out_of_range_is_refused(redis, limit):
    with pytest.raises(InvalidQuery, match="limit is"):
        search_jobs("", limit=limit, connection=redis)


def test_a_paused_type_is_no_pause_of_others(redis):
    pauses.pause("type", "TEST", by=By("ann", "a test"), connection=redis)
    job = enqueue(an_email(), connection=redis)

    assert search_jobs("state:held", connection=redis)["jobs"] == []
    assert search_jobs("queue:email", connection=redis)["jobs"][0]["jobId"] == job.id
