"""Routes: stop a worker."""

from fastapi import APIRouter

from monitoring.api.bodies import WorkerStop
from monitoring.api.parts import Actor, JsonDict, Writer, by
from workers.worker_control import stop_worker

router = APIRouter(prefix="/api/workers", tags=["health"])


@router.post("/{name}/stop")
def stop(name: str, body: WorkerStop, asker: Actor, writer: Writer) -> JsonDict:
    """Have a worker of queues end what it runs, take nothing more, and leave."""
    stop_worker(name, by=by(asker, body.reason), connection=writer)
    return {"success": True, "name": name}
