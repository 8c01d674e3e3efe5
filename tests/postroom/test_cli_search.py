"""What `postroom search` says."""

from functools import partial

import pytest

from tests.workers.failing import an_email
from workers import Settings, enqueue, enqueue_many


@pytest.fixture
def search(redis, command_line):
    return partial(command_line.told, "search")


def test_hits_are_lines_and_the_cursor_leads_on(search, redis):
    ids = [enqueue(an_email(), connection=redis).id for _ in range(3)]

    told = search("to:ada-1@example.com", "--limit", "2")
    assert told.index(ids[2]) < told.index(ids[1])
    assert ids[0] not in told
    cursor = told.split("--cursor ")[1].strip()
    assert ids[0] in search("to:ada-1@example.com", "--cursor", cursor)
    assert search("type:TEST") == "No such jobs.\n"
    page = search("type:EMAIL", "--json")
    assert [job["jobId"] for job in page["jobs"]] == ids[::-1]
    assert (page["cursor"], page["partial"], page["groups"]) == (None, False, [])


def test_a_search_that_is_not_done_says_so(search, redis):
    sent = [an_email(number) for number in range(8_000)]
    enqueue_many(sent, connection=redis, settings=Settings(index_jobs=0))

    told = search("state:waiting until:2021-01-01T00:00:00Z")
    assert told.startswith("Not all was looked through.\nMore: --cursor ")


def test_a_wrong_qualifier_is_told_with_the_near_ones(search):
    assert "Did you mean EMAIL?" in search("type:EMIAL", code=2)
    assert search("tpe:x", "--json", code=2)["error"]["code"] == "invalid_query"
