"""Compares answers with the JSON of a requirement: keys in order, nesting, kinds of values."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def contract(name: str) -> Any:
    """The JSON of a requirement, by the name of its file."""
    return json.loads((Path(__file__).parent / f"{name}.json").read_text(encoding="utf-8"))


def shape(value: Any) -> Any:
    """What a value is made of; of a list only the first entry, because all of ours are alike."""
    if isinstance(value, Mapping):
        return [(name, shape(each)) for name, each in value.items()]
    if isinstance(value, Sequence) and not isinstance(value, str):
        shapes = [shape(each) for each in value]
        assert all(each == shapes[0] for each in shapes), "entries of a list differ"
        return shapes[:1]
    if isinstance(value, bool) or value is None:
        return type(value).__name__
    return "number" if isinstance(value, int | float) else type(value).__name__
