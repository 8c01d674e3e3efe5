"""DATA_SYNC: backs up, exports and imports entities, as files at any fsspec URL."""

from handlers.parts.once import delivery
from handlers.parts.settings import handler_settings
from handlers.parts.sync import opened, restore, target_file, write_file
from messages import DataSyncMessage, JsonObject
from workers import Context, handles


@handles(DataSyncMessage)
def sync_data(message: DataSyncMessage, context: Context) -> JsonObject:
    """Write a file of entities, or restore the entities of such a file.

    `backup` writes into a folder named after the day, `export` into the destination itself. The
    file's name comes from the message's id, so a message that runs again replaces its own file.
    `import` reads a `.jsonl` file, or the newest one for its entity type in a folder.

    Returns:
        The file, its number of rows and its SHA-256.

    Raises:
        ResourceUnavailable: If the storage does not answer.
        PermanentError: If an entity or a file does not exist, or a checksum is wrong; then
            nothing is written.
    """
    root = message.data.destination or handler_settings().backup_url
    with delivery(message) as sync:
        if sync.result is None and message.data.sync_type == "import":
            with opened(message.data, root) as file:
                sync.apply(lambda session: restore(session, message.data, file, context))
        elif sync.result is None:
            sync.record(write_file(message, target_file(message, root), context))
    return sync.result or {}
