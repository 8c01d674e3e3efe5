import pytest

from tests.workers.engine.lanes import lane_of
from tests.workers.engine.mixed_fleet import play

JOBS = 300


@pytest.mark.slow("three workers share jobs that take 10 ms each")
def test_every_job_of_a_mixed_fleet_runs_once(redis_server, warm_nursery, tmp_path_factory):
    with lane_of("ours", redis_server, tmp_path_factory, warm_nursery) as lane:
        found = play(lane, JOBS, within=60)

    assert found.statuses == {"finished": JOBS}
    assert found.runs == {1: JOBS // 2}
    assert found.message_runs == JOBS // 2
    assert found.left == []
    assert min(found.by_kind[kind] for kind in ("simple", "fork", "ours")) >= JOBS * 0.05
    assert found.counted_fast == found.own_messages > 0
    assert found.counted_stock == found.by_kind["ours"] - found.own_messages > 0
