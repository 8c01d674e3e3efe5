"""Dead letters that pile up, and those that Redis had no room for."""

from collections.abc import Iterator

from monitoring.doctor.finding import Finding
from monitoring.words import are

_NEARLY = 0.8


def letter_findings(count: int, spilled: int, *, limit: int) -> Iterator[Finding]:
    """Judge how many dead letters there are.

    Args:
        count: All of them.
        spilled: Those of which the message stands in the spill file only.
        limit: The setting DEAD_LETTER_LIMIT: how many Redis keeps whole.
    """
    whole = count - spilled
    if whole >= _NEARLY * limit:
        yield Finding(
            "dead_letters_near_limit",
            "critical" if whole >= limit else "warning",
            f"There are {whole:,} dead letters, and room for {limit:,}: those above it go to the "
            "spill file.",
            "`postroom dead-letters list` shows them: replay what was mended, purge what is "
            "settled.",
        )
    if spilled:
        whose = (
            "message of 1 dead letter" if spilled == 1 else f"messages of {spilled:,} dead letters"
        )
        yield Finding(
            "dead_letters_spilled",
            "critical" if whole >= limit else "warning",
            f"The {whose} {are(spilled)} in the spill file only, and cannot be replayed from "
            "there.",
            "Make room, then `postroom dead-letters import FILE`, with the file of "
            "DEAD_LETTER_SPILL.",
        )
