"""Small disks and few rights, in a fork: what is mounted or given up there nobody else sees, and it ends with it."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path

from tests.campaigns.forks import in_a_fork

_NEW_MOUNTS, _NEW_USER = 0x00020000, 0x10000000
_PRIVATE = (1 << 18) | (1 << 14)  # MS_PRIVATE | MS_REC
_REMOUNT = 1 << 5
_DETACH = 2
_CAPABILITIES_3, _DAC_OVERRIDE, _DAC_READ_SEARCH = 0x20080522, 1 << 1, 1 << 2


def own_mounts() -> None:
    """From here on what this process mounts is its own. Raises OSError where that is not permitted."""
    me, group = os.getuid(), os.getgid()
    _call("unshare", _NEW_MOUNTS | (_NEW_USER if me else 0))
    if me:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {me} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    _call("mount", b"none", b"/", None, _PRIVATE, None)


def mount_disk(folder: Path, *, kilobytes: int) -> None:
    """An empty disk of this size."""
    _call("mount", b"none", os.fsencode(folder), b"tmpfs", 0, f"size={kilobytes}k".encode())


def resize_disk(folder: Path, *, kilobytes: int) -> None:
    """The same disk, larger or smaller."""
    _call("mount", b"none", os.fsencode(folder), None, _REMOUNT, f"size={kilobytes}k".encode())


def unmount(folder: Path) -> None:
    """As when somebody pulls it out."""
    _call("umount2", os.fsencode(folder), _DETACH)


def obey_permissions() -> None:
    """From here on root may read and write what the owner may, and no more."""
    if os.getuid() == 0:
        header = (ctypes.c_uint32 * 2)(_CAPABILITIES_3, 0)
        sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; the low half of the bits, then the high
        _call("capget", header, sets)
        for low in range(3):
            sets[low] &= ~(_DAC_OVERRIDE | _DAC_READ_SEARCH)
        _call("capset", header, sets)


@cache
def permitted() -> bool:
    """Whether this machine lets us."""
    return in_a_fork(own_mounts).exit == 0


def _call(name: str, *arguments: int | bytes | ctypes.Array[ctypes.c_uint32] | None) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    given = [ctypes.c_ulong(one) if isinstance(one, int) and name == "mount" else one for one in arguments]
    if getattr(libc, name)(*given):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
