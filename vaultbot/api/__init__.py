"""The HTTP door: a guard that lets requests in, routes that call the assistant, one form for every failure.

The guard (`guard.py`) stands outside FastAPI, because a check inside it runs only after the body was read and
parsed. It asks `origins.py` who may speak to the daemon, `tokens.py` for the right to, and `body.py` to read
what was sent. Failures are problem documents (`problems.py`), whether the guard refuses, a route fails
(`errors.py`) or an event stream breaks off (`sse.py`).
"""
