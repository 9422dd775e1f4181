"""The words between vaultbot and its model process: JSON objects, each after its length in four bytes."""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO, TypeAlias

Packet: TypeAlias = dict[str, Any]

LIMIT = 16 << 20  #: bytes of one packet


class PacketTooLargeError(ValueError):
    """More than `LIMIT` bytes; nothing was written."""


def write(stream: BinaryIO, packet: Packet) -> None:
    """Write a packet whole. Raises PacketTooLargeError, or OSError when the other side is gone."""
    data = json.dumps(packet).encode("ascii")
    if len(data) > LIMIT:
        raise PacketTooLargeError(f"{len(data)} bytes")
    stream.write(struct.pack(">I", len(data)) + data)
    stream.flush()


def read(stream: BinaryIO) -> Packet | None:
    """The next packet, or None when the other side is gone or talks nonsense."""
    try:
        head = stream.read(4)
        if len(head) < 4 or (length := struct.unpack(">I", head)[0]) > LIMIT:
            return None
        packet = json.loads(stream.read(length))
    except (OSError, ValueError):
        return None
    return packet if isinstance(packet, dict) else None
