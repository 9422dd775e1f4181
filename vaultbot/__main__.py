"""The beginning of the command `vaultbot`, and of `python -m vaultbot`."""

import os
import signal
import sys


def main() -> None:
    """Run the command line. A daemon that is told to end while it is still being imported ends well, too."""
    if sys.argv[1:2] == ["serve"]:
        # At once: nothing was begun, and an exception could be lost in whatever is being imported.
        signal.signal(signal.SIGTERM, lambda _signal, _frame: os._exit(0))

    from vaultbot.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
