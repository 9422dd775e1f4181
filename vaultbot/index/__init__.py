"""The write side: notes become chunks, tokens and vectors in the catalog, and from there in the vector index."""
