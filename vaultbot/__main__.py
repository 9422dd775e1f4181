"""`python -m vaultbot`: the same as the command `vaultbot`."""

from vaultbot.cli.main import main

main()
