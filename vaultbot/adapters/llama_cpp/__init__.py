"""llama.cpp: language models and embedders in GGUF files, each in a child process of its own.

`chat` and `embedder` are for others. `host` and `process` are the parent's end of the child, `child` is its main
program, and `engine` is the only one of them that computes.
"""
