"""Model files: what a file is, what it needs, where to get one. Nothing here loads a model."""
