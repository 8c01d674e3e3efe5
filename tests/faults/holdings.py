"""Which jobs are held by a lease, as any reader of RQ can see."""

from typing import Any

from tests.faults.stage import Stage
from workers import keys
from workers.routing import Priority, list_name


def all_held(here: Stage) -> set[str]:
    """All jobs that stand among the started ones."""
    names = [list_name(queue, priority) for queue in here.queues for priority in Priority]
    with here.client() as client, client.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.zrange(keys.started(name), 0, -1)
        members: list[Any] = [member for members in pipe.execute() for member in members]
    return {member.decode(errors="replace").partition(":")[0] for member in members}
