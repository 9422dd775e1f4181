"""vaultbot: a personal research assistant for an Obsidian vault, on the owner's own machine."""

import os

__version__ = "0.1.0"

# onnxruntime, which others import too, reports to its maker as soon as it is loaded, and keeps a number for this
# machine, unless this was set before. Its own switch in Python comes too late.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

# numpy's threads look for work for some 25 milliseconds after each product before they sleep, and burn a core and the
# battery of a daemon that multiplies a little now and then. This is 2**10 cycles; it is read when numpy is loaded.
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "10")
