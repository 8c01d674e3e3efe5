from prometheus_client.parser import text_string_to_metric_families

from messages import EmailMessage
from tests.postroom.commands import Postroom
from tests.postroom.test_cli_health import postroom
from workers import enqueue

__all__ = ["postroom"]


def test_a_scrape_is_printed_for_who_has_no_web_process(redis, postroom: Postroom):
    enqueue(EmailMessage.of("ada@example.com", "Hello", "welcome"), connection=redis)

    found = postroom("prometheus")

    assert found.code == 0
    assert 'postroom_queue_waiting{queue="email"} 1.0' in found.out.splitlines()
    assert list(text_string_to_metric_families(found.out))


def test_a_file_is_replaced_whole_and_can_be_read_by_others(redis, postroom: Postroom, tmp_path):
    target = tmp_path / "postroom.prom"
    target.write_text("old")

    found = postroom("prometheus", "--output", str(target))

    assert (found.code, found.out) == (0, "")
    assert "postroom_redis_up 1.0" in target.read_text().splitlines()
    assert target.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in tmp_path.iterdir()] == ["postroom.prom"]


def test_a_file_that_cannot_be_written_is_an_error_with_a_remedy(redis, postroom: Postroom):
    found = postroom("prometheus", "--output", "/nowhere/at/all.prom", "--json")

    assert found.code == 2
    assert found.json["error"]["field"] == "--output"
