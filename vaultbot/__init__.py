"""vaultbot: a personal research assistant for an Obsidian vault, on the owner's own machine."""

__version__ = "0.1.0"
