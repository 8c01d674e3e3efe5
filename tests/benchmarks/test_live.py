from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.live import Cost, as_text, measure

FINE = Cost(clients=50, core=0.01, ticks=10_000, tick_ms=10, begin_kib=100_000, end_kib=104_900)


@pytest.mark.drill
@pytest.mark.slow("the web process starts twice, and fifty clients listen to it")
def test_fifty_clients_listen_to_the_end(tmp_path: Path) -> None:
    found = measure(tmp_path, ticks=40, seconds=0.5)

    assert found.clients == 50
    assert found.ticks >= 40
    assert found.begin_kib > 0
    assert "50 clients" in as_text(found)


def test_what_is_over_a_limit_is_told() -> None:
    assert FINE.faults == []
    assert replace(FINE, end_kib=105_100).faults == ["it grew by 5.1%"]
    assert replace(FINE, clients=49).faults == ["49 of 50 clients were left"]
    assert replace(FINE, core=0.06).faults == ["it used 6.0% of a core"]
