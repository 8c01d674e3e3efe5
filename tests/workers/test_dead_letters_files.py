import json
import stat
from datetime import timedelta
from multiprocessing.pool import ThreadPool

import pytest

from tests.workers.letters import bury_many, bury_message, email, letter
from workers import By, audit, dead_letters, keys
from workers.dead_letters import Filter, spill_files
from workers.dead_letters.letter import as_text, letter_of
from workers.dead_letters.spill import spill
from workers.settings import Settings, load_settings

BY = By("ada", "moving")


def exported(redis, wanted=None):
    return list(dead_letters.export_letters(wanted, connection=redis, by=BY))


def restored(redis, lines):
    return dead_letters.import_letters(lines, connection=redis, by=BY)


@pytest.fixture
def limited(tmp_path):
    """Settings with room for two letters."""
    return Settings(dead_letter_limit=2, dead_letter_spill=tmp_path / "data" / "dead.jsonl")


def bury(redis, limited, number, **values):
    found = letter(f"job-{number}", envelope={"number": number}, traceback="where", **values)
    return dead_letters.bury(found, meta={}, connection=redis, settings=limited)


def test_what_was_exported_comes_back_exactly(redis):
    ids = [bury_message(redis, email(number), attempts=4) for number in range(3)]
    dead_letters.edit(ids[0], {"subject": "é \U0001f4e8 <b>"}, connection=redis, by=BY)
    dead_letters.bury(letter("odd", envelope="\x80 \x00 rubbish"), meta={}, connection=redis)
    lines = exported(redis)
    before = dead_letters.page(connection=redis)
    for job_id in (*ids, "odd"):
        dead_letters.purge(job_id, connection=redis, by=BY)

    found = restored(redis, lines)

    assert (found.imported, found.skipped, found.refused) == (4, 0, 0)
    assert exported(redis) == lines
    assert dead_letters.page(connection=redis) == before


def test_an_export_keeps_to_its_filter(redis, now):
    bury_many(redis, 120, at=lambda number: now + timedelta(seconds=number))
    bury_message(redis, email())

    lines = exported(redis, Filter(message_type="TEST"))

    assert [json.loads(line)["job_id"] for line in lines] == [f"job-{n:04}" for n in range(120)]


def test_letters_that_are_there_are_skipped(redis):
    bury_message(redis, email())
    lines = exported(redis)

    found = restored(redis, [*lines, "", "\n"])

    assert (found.imported, found.there, found.skipped, found.refused) == (0, 1, 1, 0)


def test_an_import_does_not_bring_back_what_was_replayed_and_says_what_became_of_it(redis):
    ids = [bury_message(redis, email(number)) for number in range(3)]
    lines = exported(redis)
    successors = {old: dead_letters.replay(old, connection=redis, by=BY) for old in ids[:2]}

    found = [restored(redis, lines) for _ in range(2)]

    for each in found:
        assert (each.imported, each.there, each.replayed, each.skipped) == (0, 1, 2, 3)
        assert each.successors == successors
    assert [each.job_id for each in dead_letters.newest(9, connection=redis)] == ids[2:]
    assert redis.llen(keys.queue("email")) == 2
    assert audit.entries(connection=redis)[0].details == {"there": 1, "replayed": 2}


def test_an_import_does_not_bring_back_what_runs_again(redis):
    job_id = bury_message(redis, email())
    lines = exported(redis)
    dead_letters.resolve(job_id, connection=redis)

    assert (restored(redis, lines).requeued, dead_letters.count(connection=redis)) == (1, 0)


def test_what_was_purged_or_died_again_comes_back_from_a_file(redis):
    message = email()
    bury_message(redis, message)
    dead_letters.resolve(message.message_id, connection=redis)
    bury_message(redis, message, error="it died again")
    lines = exported(redis)
    dead_letters.purge(message.message_id, connection=redis, by=BY)

    found = restored(redis, lines)

    assert (found.imported, found.skipped) == (1, 0)
    assert dead_letters.find(message.message_id, connection=redis).error == "it died again"


def test_what_came_back_is_replayed_with_its_lineage(redis):
    dead = email(correlation_id="conversation-1")
    first = bury_message(redis, dead)
    second = dead_letters.replay(first, connection=redis, by=BY)
    envelope = json.loads(redis.hget(keys.job(second), "data"))[2][0]
    redis.hset(keys.job(second), "status", "failed")
    line = as_text(letter(second, message_type="EMAIL", envelope=envelope))

    assert restored(redis, [line]).imported == 1
    third = dead_letters.replay(second, connection=redis, by=BY)

    replayed = json.loads(redis.hget(keys.job(third), "data"))[2][0]
    assert (replayed["causationId"], replayed["correlationId"]) == (second, "conversation-1")
    assert replayed["metadata"] == {"replayOf": second}


def test_how_a_letter_left_is_remembered_as_long_as_a_letter_is_kept(redis):
    ids = [bury_message(redis, email(number)) for number in range(2)]
    days = Settings(dead_letter_days=3)

    dead_letters.replay(ids[0], connection=redis, settings=days, by=BY)
    dead_letters.resolve(ids[1], connection=redis, settings=days)

    left = [redis.ttl(keys.dead_letter_left(job_id)) for job_id in ids]
    assert all(3 * 86_400 - 60 < seconds <= 3 * 86_400 for seconds in left)


def test_a_letter_that_was_spilled_twice_comes_back_once(redis, limited):
    for number in (0, 1, 2):
        bury(redis, limited, number)
    lines = limited.dead_letter_spill.read_text().splitlines() * 2

    found = restored(redis, lines)

    assert (found.restored, found.there) == (1, 1)


@pytest.mark.parametrize(
    "line",
    [
        "rubbish",
        "[]",
        "{}",
        json.dumps({**json.loads(as_text(letter())), "surprise": 1}),
        json.dumps({**json.loads(as_text(letter())), "buried_at": "yesterday"}),
        json.dumps({**json.loads(as_text(letter())), "job_id": ""}),
        json.dumps({**json.loads(as_text(letter())), "job_id": 7}),
        "[" * 100_000,
    ],
)
def test_a_line_that_is_no_letter_is_refused_by_its_number(redis, line):
    good = as_text(letter("good"))

    found = restored(redis, [good, line])

    assert (found.imported, found.refused, found.lines[0].line) == (1, 1, 2)
    assert found.lines[0].error.startswith("It is no dead letter")


def test_import_and_export_stand_in_the_audit_log(redis):
    restored(redis, [as_text(letter()), "rubbish"])
    exported(redis)

    export, load = audit.entries(connection=redis)
    assert (export.action, load.action) == ("dead_letter.export", "dead_letter.import")
    assert load.details == {"imported": 1, "refused": 1}


def test_above_the_limit_the_whole_letter_goes_to_the_file_and_is_still_listed(redis, limited):
    assert all(bury(redis, limited, number) for number in range(4))

    lines = limited.dead_letter_spill.read_text().splitlines()
    spilled = dead_letters.find("job-3", connection=redis)
    assert [letter_of(line).envelope for line in lines] == [{"number": 2}, {"number": 3}]
    assert dead_letters.count(connection=redis) == 4
    assert dead_letters.count_spilled(connection=redis) == 2
    assert (spilled.spilled, spilled.envelope, spilled.error) == (True, None, "it broke")
    assert stat.S_IMODE(limited.dead_letter_spill.stat().st_mode) == 0o600


def test_workers_read_limit_and_file_from_the_environment(redis, tmp_path, monkeypatch):
    monkeypatch.setenv("DEAD_LETTER_LIMIT", "1")
    monkeypatch.setenv("DEAD_LETTER_SPILL", str(tmp_path / "spill.jsonl"))
    load_settings.cache_clear()

    ids = [bury_message(redis, email(number)) for number in range(2)]

    assert letter_of((tmp_path / "spill.jsonl").read_text()).job_id == ids[1]


def test_a_job_is_spilled_once(redis, limited):
    for number in (0, 1, 2):
        bury(redis, limited, number)

    assert not bury(redis, limited, 2)
    assert len(limited.dead_letter_spill.read_text().splitlines()) == 1


def test_what_was_spilled_must_be_imported_before_it_is_replayed(redis, limited):
    ids = [bury_message(redis, email(number)) for number in range(2)]
    message = email(2)
    found = letter(message.message_id, message_type="EMAIL", envelope=wire(message))
    dead_letters.bury(found, meta={}, connection=redis, settings=limited)

    with pytest.raises(dead_letters.NotReplayable, match="dead-letters import"):
        dead_letters.replay(message.message_id, connection=redis, by=BY)
    with limited.dead_letter_spill.open() as lines:
        assert restored(redis, lines).restored == 1

    assert dead_letters.count_spilled(connection=redis) == 0
    assert dead_letters.replay(message.message_id, connection=redis, by=BY)
    assert {each.job_id for each in dead_letters.newest(9, connection=redis)} == set(ids)


def wire(message):
    return message.model_dump(mode="json", by_alias=True)


def test_there_is_room_again_when_letters_have_left(redis, limited):
    for number in (0, 1, 2):
        bury(redis, limited, number)
    dead_letters.purge("job-0", connection=redis, by=BY)

    bury(redis, limited, 3)

    assert dead_letters.find("job-3", connection=redis).envelope == {"number": 3}


def test_a_letter_that_cannot_be_spilled_is_kept_whole(redis, limited):
    limited.dead_letter_spill.parent.write_text("a file where the folder should be")

    for number in range(3):
        assert bury(redis, limited, number)

    assert dead_letters.find("job-2", connection=redis).envelope == {"number": 2}
    assert dead_letters.count_spilled(connection=redis) == 0


def test_the_spill_file_is_rotated_and_no_line_is_lost_among_several_writers(tmp_path):
    path = tmp_path / "dead.jsonl"

    with ThreadPool(4) as pool:
        pool.map(lambda number: spill(json.dumps({"n": number}), path, largest=200), range(80))

    files = spill_files(path)
    lines = [json.loads(line)["n"] for file in files for line in file.read_text().splitlines()]
    assert len(files) == 4
    assert files[-1] == path
    assert sorted(lines) == list(range(80))


def test_a_line_that_a_dying_writer_left_does_not_spoil_the_next(redis, tmp_path):
    path = tmp_path / "dead.jsonl"
    path.write_text('{"job_id": "half')
    spill(as_text(letter()), path)

    found = restored(redis, path.read_text().splitlines())

    assert (found.imported, found.refused) == (1, 1)
