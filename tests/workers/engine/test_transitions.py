"""Every step against a job in every state: what the table names happens, and nothing else does."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer

import workers
from messages import PostroomError
from tests.docs.documents import blocks, table
from tests.workers.conftest import message
from tests.workers.engine.desks import ACTS, TURNS, Desk
from tests.workers.engine.transitions import DOCUMENT, STEPS, State, expected, written_into
from tests.workers.takers import Taker
from workers import attempts, dead_letters, enqueue, keys
from workers.engine import ends, leases
from workers.engine.alarm import NoAlarm
from workers.engine.recovery import reap
from workers.engine.run_stock import Stock

ENDS = ("commit", "commit_and_forget", "retry_now", "retry_later", "crash", "last_crash", "bury")
ENDS = (*ENDS, "expire", "hand_back", "hold", "stop", "cancel_leased")
FENCED = tuple(name for name, step in STEPS.items() if step.is_fenced)


@pytest.fixture
def desk(redis: Redis) -> Desk:
    return Desk(redis)


def attempt(desk: Desk, name: str) -> None:
    # A person is told so with an error; a worker's code returns.
    with suppress(PostroomError, InvalidJobOperation, NoSuchJobError):
        desk.act(name)


# --- the table ----------------------------------------------------------------------------------


def test_every_step_of_the_table_is_tried() -> None:
    assert STEPS.keys() == ACTS.keys()


@pytest.mark.parametrize("name", STEPS)
def test_a_step_moves_a_job_as_the_table_says_and_in_all_other_states_is_refused(
    desk: Desk, name: str
) -> None:
    moves, tried = STEPS[name].moves, [state for state in State if state not in STEPS[name].never]

    # Where a job ends up, whether all keys are as before, and how many ends of runs were refused.
    found = {state: what_came_of(desk, name, state) for state in tried}
    refused = int(STEPS[name].is_fenced)
    assert found == {
        state: (expected(name, state), state not in moves, 0 if state in moves else refused)
        for state in tried
    }


def what_came_of(desk: Desk, name: str, state: State) -> tuple[State, bool, int]:
    desk.clear()
    desk.bring(state, "cancel" if name == "settle_cancel" else "run")
    desk.prepare(name)
    before = desk.all_keys()
    attempt(desk, name)
    return desk.state(), desk.all_keys() == before, desk.refusals()


# --- the fence ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "state"),
    [
        (name, state)
        for name in ENDS
        for state in (State.leased, State.running)
        if state not in STEPS[name].never
    ],
)
def test_nobody_ends_a_run_with_a_wrong_token_or_as_another_holder(
    desk: Desk, name: str, state: State
) -> None:
    desk.bring(state)
    desk.prepare(name)
    before, lease, holder = desk.all_keys(), desk.lease, desk.leases

    desk.lease = replace(lease, execution="0123456789ab-1")
    attempt(desk, name)
    desk.lease, desk.leases = lease, Taker(desk.redis).leases
    attempt(desk, name)

    assert desk.all_keys() == before
    assert desk.refusals() == (2 if name in FENCED else 0)
    desk.leases = holder
    attempt(desk, name)
    assert desk.state() is expected(name, state)


@pytest.mark.parametrize("name", ENDS)
def test_whoever_is_late_after_a_take_over_is_refused(desk: Desk, name: str) -> None:
    desk.bring(State.running)
    desk.prepare(name)
    desk.act("take_over")
    before = desk.all_keys()

    attempt(desk, name)

    assert desk.all_keys() == before
    assert desk.heir.leases.holds(desk.lease)


@pytest.mark.parametrize("name", ENDS)
def test_an_end_that_is_asked_for_twice_happens_once(desk: Desk, name: str) -> None:
    desk.bring(State.leased)
    desk.prepare(name)
    attempt(desk, name)
    before = desk.all_keys()

    attempt(desk, name)

    assert desk.all_keys() == before


def test_a_script_without_the_fence_is_found(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    known = leases.script
    monkeypatch.setattr(
        leases, "script", lambda *name: known(*name).replace("token) == 0 then", "token) < 0 then")
    )

    with pytest.raises(AssertionError, match="no state"):
        what_came_of(desk, "retry_later", State.finished)


# --- a record that somebody deleted -------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [*(name for name in ENDS if name != "hold"), "show", "stop_by_force"]
)
def test_a_run_whose_record_was_deleted_ends_without_a_trace(desk: Desk, name: str) -> None:
    desk.bring(State.leased)
    desk.prepare(name)
    desk.redis.delete(keys.job(desk.id))

    attempt(desk, name)
    reap_everything(desk)

    assert desk.state() is State.gone


def test_a_job_whose_record_was_deleted_is_not_held_back(desk: Desk) -> None:
    desk.bring(State.leased)
    desk.prepare("hold")
    desk.redis.delete(keys.job(desk.id))

    desk.act("hold")

    assert desk.places() == []
    assert not desk.redis.exists(keys.job(desk.id))


def test_a_job_whose_record_was_gone_when_it_was_leased_is_buried_instead_of_handed_back(
    desk: Desk,
) -> None:
    desk.bring(State.waiting)
    desk.redis.delete(keys.job(desk.id))
    desk.act("lease")

    desk.admission().hand_back([desk.lease])

    assert desk.places() == []
    letter = dead_letters.find(desk.id, connection=desk.redis)
    assert letter is not None
    assert letter.reason == "expired"


def test_a_job_whose_record_was_deleted_is_leased_and_then_buried(desk: Desk) -> None:
    desk.bring(State.waiting)
    desk.redis.delete(keys.job(desk.id))

    desk.act("lease")
    assert desk.lease.fields == {}
    assert desk.admission().admit(desk.lease) is None

    assert desk.state() is State.gone
    letter = dead_letters.find(desk.id, connection=desk.redis)
    assert letter is not None
    assert letter.reason == "expired"


def reap_everything(desk: Desk) -> None:
    desk.leases.resign()
    reap(desk.heir.leases)


# --- what dies without a word -------------------------------------------------------------------


def test_one_job_of_a_dead_worker_counts_as_crashed_and_several_go_back_in_their_order(
    desk: Desk,
) -> None:
    desk.bring(State.running)
    reap_everything(desk)
    assert desk.state() is State.scheduled
    assert [past.outcome for past in attempts.history(desk.id, connection=desk.redis)] == [
        "crashed"
    ]

    desk.clear()
    ids = lease_some(desk, 3)
    reap_everything(desk)
    assert waiting(desk) == ids
    assert all(desk.redis.hexists(keys.job(each), "lost") for each in ids)


def test_a_worker_that_is_alive_by_the_clock_of_redis_keeps_its_jobs(desk: Desk) -> None:
    desk.bring(State.running)

    assert reap(desk.heir.leases) == 0

    assert desk.state() is State.running
    assert desk.leases.holds(desk.lease)


here: list[Desk] = []


def while_others_take_over() -> str:
    """A job that RQ's own code runs, so slowly that its worker is taken for dead."""
    here[0].act("take_over")
    return "late"


def test_a_late_end_by_rqs_own_code_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.here", [desk])
    queue = Queue("default", desk.redis, serializer=JSONSerializer)
    desk.id = queue.enqueue(while_others_take_over).id
    desk.take()
    job = Job.fetch(desk.id, desk.redis, serializer=JSONSerializer)

    desk.taker.worker.leases = desk.leases
    Stock(desk.taker.worker, desk.leases, NoAlarm()).run(desk.lease, job)

    assert desk.heir.leases.holds(desk.lease)
    assert desk.state() is State.running


# --- answers that were lost ---------------------------------------------------------------------


def test_a_step_whose_answer_was_lost_is_answered_again_and_does_nothing_twice(desk: Desk) -> None:
    first, *_ = ids = lease_some(desk, 1) + [sent(desk) for _ in range(3)]
    done = ends.success(desk.lease, desk.run, desk.job, desk.message, None)
    number = desk.leases.next_number()

    lost = desk.leases.step(number, 2, [done], TURNS)
    before, counted = desk.all_keys(), desk.redis.lrange(keys.recent(), 0, -1)
    again = desk.leases.step(number, 2, [done], TURNS)

    assert (lost.state, again.state) == ("ok", "repeated")
    assert [each.job_id for each in lost.leased] == ids[1:3]
    assert list(again.leased) == list(lost.leased)
    assert (again.refused, again.awaited) == ([], [])
    assert desk.all_keys() == before
    assert desk.redis.lrange(keys.recent(), 0, -1) == counted
    assert desk.refusals() == 0
    assert desk.redis.hget(keys.job(first), "status") == b"finished"


def lease_some(desk: Desk, count: int) -> Sequence[str]:
    ids = [sent(desk) for _ in range(count)]
    step = desk.leases.step(desk.leases.next_number(), count, (), TURNS)
    desk.lease = step.leased[0]
    return ids


def sent(desk: Desk) -> str:
    return enqueue(message("echo"), connection=desk.redis).id


def waiting(desk: Desk) -> Sequence[str]:
    return [each.decode() for each in desk.redis.lrange(keys.queue("default"), 0, -1)]


# --- the document -------------------------------------------------------------------------------


def test_the_document_shows_the_table_that_the_tests_use() -> None:
    text = DOCUMENT.read_text()

    assert any(block.text.startswith("stateDiagram") for block in blocks(text, DOCUMENT.name))
    assert text == written_into(text), "run `python -m tests.workers.engine.transitions`"


def test_the_document_explains_every_state_with_its_status() -> None:
    rows = {name.strip("`"): status.strip("`") for name, status, _ in table(DOCUMENT, "State")}

    assert rows == {state.name: state.status for state in State if state is not State.gone}


def test_every_script_of_the_table_exists() -> None:
    folder = Path(workers.__file__).parent
    there = {path.name for path in folder.rglob("*.lua")}
    named = {word for step in STEPS.values() for word in step.script.split() if "." in word}

    assert named - there == set()
