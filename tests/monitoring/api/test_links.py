"""Every link and every dialog that a page of the board offers leads somewhere."""

import html
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

from fastapi.testclient import TestClient
from redis import Redis

from messages import MessageScanMessage
from tests.workers.failing import Failing, raised
from tests.workers.letters import bury_message, email
from tests.workers.pin_app import PinMessage
from workers import By, enqueue, pauses, publish_many, stream_keys

SCAN = "jobs:guild:7:message_scan"
PLACES = ("", "jobs", "failures", "queues", "workers", "messages", "insights", "settings")
LINK = re.compile(r'(?:href|data-url|data-href|data-checks)="([/?][^"#]*)')
TOLD_APART = ("action", "kind", "lane", "order", "tab", "as", "form")
"""Parameters whose values make another page; of the others one value is tried."""
POSTED = re.compile("/check$")


assert PinMessage.queue, "a type whose queue nobody has used"


def fill(redis: Redis) -> None:
    """Jobs in several states, and a stream whose consumer has had an entry for half an hour."""
    failing = Failing(redis)
    failing.retried(raised("timed out"), message=email(1))
    for number in (2, 3):
        failing.died(raised("refused"), message=email(number))
    first = enqueue(email(4), connection=redis)
    enqueue(email(5), delay=3_600, connection=redis)
    enqueue(email(6), depends_on=first.id, connection=redis)
    pauses.pause("type", "EMAIL", by=By("ann", "a leak"), connection=redis)

    sent = [MessageScanMessage.of("7", f"7-{number}") for number in range(12)]
    publish_many(sent, connection=redis)
    redis.xgroup_create(SCAN, "workers", "0")
    ((_, read),) = redis.xreadgroup("workers", "one", {SCAN: ">"}, count=8)
    redis.xack(SCAN, "workers", *[entry for entry, _ in read[:4]])
    bury_message(redis, sent[0], queue=SCAN, error="unknown channel")
    redis.xclaim(SCAN, "workers", "one", 0, [read[5][0]], idle=1_860_000)
    redis.zadd(stream_keys.consumers("workers"), {"one": 1})  # dead for long
    redis.sadd(stream_keys.consumes("workers", "one"), SCAN)


def links(page: str, address: str) -> Iterator[str]:
    for found in LINK.findall(page):
        link = html.unescape(found)
        if "/assets/" not in link and not link.startswith("/rq") and not POSTED.search(link):
            yield urlsplit(address).path + link if link.startswith("?") else link


def shape(address: str) -> tuple[str, ...]:
    """The same for addresses that differ in the values of parameters alone."""
    parts = urlsplit(address)
    asked = parse_qs(parts.query)
    told = sorted(f"{name}={asked[name][0]}" if name in TOLD_APART else name for name in asked)
    return parts.path, *told


def test_every_link_and_every_dialog_of_the_board_leads_somewhere(
    redis: Redis, super_admin: TestClient
) -> None:
    fill(redis)
    super_admin.headers["Accept"] = "text/html"
    todo = [(f"/{place}", "the rail") for place in PLACES]
    seen: set[tuple[str, ...]] = set()
    broken = []

    while todo:
        address, where = todo.pop()
        if shape(address) in seen:
            continue
        seen.add(shape(address))
        answer = super_admin.get(address, follow_redirects=False)
        # What acts on chosen rows is told which when it is pressed.
        if answer.status_code != 200 and "dialogs/many" not in address:
            broken.append((answer.status_code, address, where))
        todo += [(link, address) for link in links(answer.text, address)]

    assert broken == []
    assert len(seen) > 100
