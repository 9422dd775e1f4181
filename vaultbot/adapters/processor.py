"""What the processor is and has to offer."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path


def physical_cores() -> int:
    """Cores this process may use, hyper-threads not counted."""
    cores = set()
    for path in Path("/sys/devices/system/cpu").glob("cpu[0-9]*/topology/thread_siblings_list"):
        if int(path.parts[-3].removeprefix("cpu")) in os.sched_getaffinity(0):
            cores.add(path.read_text(encoding="ascii"))
    return len(cores) or max(1, (os.cpu_count() or 2) // 2)


def processor_name() -> str:
    """ "AMD EPYC 9B45": as Linux tells it, or whatever Python finds out."""
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        told = ""
    found = re.search(r"^model name\s*:\s*(.+)$", told, re.MULTILINE)
    return found[1].strip() if found else platform.processor() or platform.machine()


def is_busy() -> bool:
    """Whether more than half of the cores were at work in the last minute, where the system tells."""
    return hasattr(os, "getloadavg") and os.getloadavg()[0] > physical_cores() / 2
