from urllib.request import Request, urlopen

from benchmarks.plan import ROWS
from benchmarks.spans_sink import with_sink

NAMED = {row.name: row for row in ROWS}


def test_a_traced_row_knows_where_its_spans_are_taken() -> None:
    with with_sink([NAMED["ours"], NAMED["traced"]]) as (ours, traced):
        address = dict(traced.variables)["OTEL_EXPORTER_OTLP_ENDPOINT"]
        with urlopen(Request(f"{address}/v1/traces", data=b"spans"), timeout=5) as answer:
            assert answer.status == 200

    assert ours == NAMED["ours"]


def test_without_a_traced_row_nothing_is_started() -> None:
    with with_sink([NAMED["ours"]]) as rows:
        assert rows == [NAMED["ours"]]
