"""Messages that will not be tried again, kept until a person decides.

Whichever way a job dies, it is buried here exactly once. A letter leaves only by replay, by a
person's purge, or after DEAD_LETTER_DAYS; above DEAD_LETTER_LIMIT it goes to a file.
"""

from workers.dead_letters.bulk import (
    Bulk,
    Refusal,
    dry_purge,
    dry_replay,
    purge,
    purge_all,
    replay_all,
)
from workers.dead_letters.edits import Change, edit
from workers.dead_letters.errors import (
    AlreadyReplayed,
    DeadLetterNotFound,
    InvalidLetter,
    LetterChanged,
    NotReplayable,
)
from workers.dead_letters.files import Imported, RefusedLine, export_letters, import_letters
from workers.dead_letters.letter import MAX_DATA, DeadLetter, Summary
from workers.dead_letters.removal import remove_old
from workers.dead_letters.replays import ReplayOptions, replay
from workers.dead_letters.selection import Filter, Page, cursor_of, matching, page
from workers.dead_letters.shown import as_changes, as_counts, as_listed, as_shown
from workers.dead_letters.spill import spill_files
from workers.dead_letters.store import (
    BURIED,
    bury,
    count,
    count_spilled,
    find,
    newest,
    resolve,
)

__all__ = [
    "BURIED",
    "MAX_DATA",
    "AlreadyReplayed",
    "Bulk",
    "Change",
    "DeadLetter",
    "DeadLetterNotFound",
    "Filter",
    "Imported",
    "InvalidLetter",
    "LetterChanged",
    "NotReplayable",
    "Page",
    "Refusal",
    "RefusedLine",
    "ReplayOptions",
    "Summary",
    "as_changes",
    "as_counts",
    "as_listed",
    "as_shown",
    "bury",
    "count",
    "count_spilled",
    "cursor_of",
    "dry_purge",
    "dry_replay",
    "edit",
    "export_letters",
    "find",
    "import_letters",
    "matching",
    "newest",
    "page",
    "purge",
    "purge_all",
    "remove_old",
    "replay",
    "replay_all",
    "resolve",
    "spill_files",
]
