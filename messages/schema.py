"""JSON Schema of the message types, as they are on the wire."""

from typing import Any

from messages.union import message_class, message_types


def json_schema(name: str | None = None) -> dict[str, Any]:
    """The JSON Schema of one message type, or of all of them.

    Args:
        name: A wire name such as `EMAIL`; None means the union of all types.

    Returns:
        A JSON Schema (draft 2020-12) of the envelope with its data, in wire names.

    Raises:
        UnknownMessageType: If no imported class has that name.
    """
    if name is not None:
        return message_class(name).model_json_schema(by_alias=True)
    schemas = {kind: cls.model_json_schema(by_alias=True) for kind, cls in message_types().items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Message",
        "oneOf": [{"$ref": f"#/$defs/{kind}"} for kind in schemas],
        "discriminator": {"propertyName": "messageType"},
        "$defs": {kind: _embedded(kind, schema) for kind, schema in schemas.items()},
    }


def _embedded(kind: str, schema: dict[str, Any]) -> dict[str, Any]:
    # An $id makes the schema's own "#/$defs/..." references resolve inside it.
    return {"$id": f"urn:postroom:message:{kind}", **schema}
