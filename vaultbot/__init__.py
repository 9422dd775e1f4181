"""vaultbot: a personal research assistant for an Obsidian vault, on the owner's own machine."""

import os

__version__ = "0.1.0"

# onnxruntime, which others import too, reports to its maker as soon as it is loaded, and keeps a number for this
# machine, unless this was set before. Its own switch in Python comes too late.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

# One thread for each product of numpy's. Of several, those that wait for the others look for work in a loop: on a busy
# machine that took half as much processor time again, and no less time on the clock. It is read when numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
