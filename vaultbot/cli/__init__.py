"""The command line: a thin client of the daemon. One file per command; words for people are in render.py."""
