"""What is on disk, as Obsidian reads it; knows nothing of AI."""
