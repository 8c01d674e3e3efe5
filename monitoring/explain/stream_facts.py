"""Reads the facts of one stream, for the rules. Only reads."""

from monitoring.explain.facts import StreamFacts
from monitoring.explain.recent_letters import recent_letters
from monitoring.queues.look import Look
from monitoring.streams.groups import streams
from monitoring.streams.info import stream_info
from monitoring.streams.reading import answered
from workers.streams.naming import keys_of


def read_stream_facts(name: str, look: Look) -> StreamFacts | None:
    """What is known of a stream, its three priorities together.

    Args:
        name: The stream, or one of its keys.
        look: Where, and the group and the limit.

    Returns:
        The facts; None if none of its keys is a stream.
    """
    connection, settings = look.connection, look.settings
    found = [each for each in answered(streams(keys_of(name)), connection) if each.is_there]
    if not found:
        return None
    told = [answered(stream_info(each, settings), connection) for each in found]
    letters = recent_letters(now=look.now, connection=connection)
    return StreamFacts(name, told, settings.stream_group, letters.get(name, ()))
