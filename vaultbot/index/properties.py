"""What the properties and inline fields of a note say, one by one."""

from __future__ import annotations

import json
from collections.abc import Iterator

from vaultbot.types import Note
from vaultbot.vault.fields import inline_fields
from vaultbot.vault.resolver import path_key


def property_values(note: Note) -> Iterator[tuple[str, str | None, bool]]:
    """(name, value, inline) of every property and inline field, as filters compare them; a list has several."""
    for name, value in note.properties.items():
        for one in (value or [None]) if isinstance(value, list) else [value]:
            said = one if isinstance(one, str) or one is None else json.dumps(one, ensure_ascii=False, default=str)
            yield path_key(name.strip()), said, False
    for field in inline_fields(note):
        yield path_key(field.key), field.value, True
