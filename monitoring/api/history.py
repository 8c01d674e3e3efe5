"""Routes: what the past costs."""

from fastapi import APIRouter

from monitoring.api.parts import Engine, JsonDict, Looker, Reader
from monitoring.history import get_history_cost

router = APIRouter(prefix="/api/history", tags=["numbers"])


@router.get("/cost")
def cost(_: Looker, reader: Reader, engine: Engine) -> JsonDict:
    """Tell what each kind of history takes in Redis, and what other settings would save."""
    return get_history_cost(connection=reader, settings=engine)
