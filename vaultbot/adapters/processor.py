"""What the processor has to offer."""

from __future__ import annotations

import os
from pathlib import Path


def physical_cores() -> int:
    """Cores this process may use, hyper-threads not counted."""
    cores = set()
    for path in Path("/sys/devices/system/cpu").glob("cpu[0-9]*/topology/thread_siblings_list"):
        if int(path.parts[-3].removeprefix("cpu")) in os.sched_getaffinity(0):
            cores.add(path.read_text(encoding="ascii"))
    return len(cores) or max(1, (os.cpu_count() or 2) // 2)
