"""What five Obsidian plugins send to an OpenAI-compatible server, after their source (August 2026)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

QUESTION = "What is a starter fed with?"

#: The header names that their preflights ask for.
STAINLESS = (
    "authorization,content-type,x-stainless-arch,x-stainless-async,x-stainless-custom-poll-interval,"
    "x-stainless-helper-method,x-stainless-lang,x-stainless-os,x-stainless-package-version,x-stainless-poll-helper,"
    "x-stainless-retry-count,x-stainless-runtime,x-stainless-runtime-version,x-stainless-timeout"
)
PREFLIGHTS = {
    "Copilot": f"{STAINLESS},dangerously-allow-browser,user-agent,openai-organization,openai-project,openai-beta",
    "Smart Composer": STAINLESS,
    "Smart Composer without stainless headers": "authorization,content-type",
    "AI Providers": "accept,authorization,content-type,user-agent",
    "Text Generator": "authorization,content-type,http-referer,x-title,x-requested-with",
    "BMO": "authorization,content-type",
}

_USER = {"role": "user", "content": QUESTION}
_TOOL = {
    "type": "function",
    "function": {"name": "read_file", "description": "Read", "parameters": {"type": "object", "properties": {}}},
}


@dataclass(frozen=True)
class Body:
    """A recorded request to chat."""

    plugin: str
    body: dict[str, Any]


CHATS = [
    Body(
        "Copilot",
        {
            "model": "vaultbot",
            "messages": [
                {"role": "system", "content": "You are Obsidian Copilot."},
                {"role": "user", "content": f"<note>\nOld text.\n</note>\n\n---\n\n[User query]:\n\n{QUESTION}"},
            ],
            "temperature": 0.1,
            "stream": True,
        },
    ),
    Body(
        "Copilot, the check of a model",
        {"model": "vaultbot", "messages": [_USER], "temperature": 0.1, "max_tokens": 30, "stream": True},
    ),
    Body(
        "Smart Composer",
        {
            "model": "vaultbot",
            "messages": [
                {"role": "system", "content": "You are an intelligent assistant."},
                {"role": "user", "content": "# Inputs\n## Current File\nHere is the file.\n```A.md\nText\n```\n\n"},
                {"role": "user", "content": [{"type": "text", "text": f"```B.md\nText\n```\n\n\n{QUESTION}\n\n"}]},
            ],
            "stream": True,
            "stream_options": {"include_usage": True},
            "tools": [_TOOL],
            "tool_choice": "auto",
            "reasoning_effort": "medium",
        },
    ),
    Body(
        "Smart Composer, apply",
        {
            "model": "vaultbot-raw",
            "messages": [_USER],
            "stream": False,
            "prediction": {"type": "content", "content": "x"},
        },
    ),
    Body(
        "Local GPT by AI Providers",
        {
            "model": "vaultbot",
            "messages": [{"role": "system", "content": "Be brief."}, _USER],
            "stream": True,
            "temperature": 0.2,
        },
    ),
    Body(
        "Text Generator",
        {
            "model": "vaultbot",
            "messages": [{"role": "system", "content": ""}, _USER],
            "max_tokens": 500,
            "temperature": 0.7,
            "n": 1,
            "top_p": 1,
            "frequency_penalty": 0,
            "presence_penalty": 0.5,
            "stop": "",
            "stream": True,
        },
    ),
    Body(
        "BMO",
        {
            "model": "vaultbot",
            "messages": [{"role": "system", "content": "You are a helpful assistant."}, _USER],
            "max_tokens": -1,
            "temperature": None,
            "stream": True,
        },
    ),
    Body(
        "BMO, a chat in LM Studio's way",
        {
            "model": "vaultbot",
            "messages": [_USER],
            "max_tokens": None,
            "temperature": None,
            "stop": [""],
            "stream": None,
        },
    ),
    Body(
        "Automatic Linker",
        {"model": "vaultbot-raw", "messages": [_USER], "response_format": {"type": "json_object"}, "temperature": 0},
    ),
]

#: Requests that cannot be answered as they are meant: a plugin finds out by them what a server can do.
PROBES = [
    Body(
        "AI Providers, whether tools are called",
        {"model": "vaultbot", "messages": [_USER], "tools": [_TOOL], "tool_choice": "required"},
    ),
    Body(
        "Copilot with a picture",
        {
            "model": "vaultbot",
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": QUESTION},
                        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                    ],
                }
            ],
        },
    ),
]

EMBEDDINGS: list[dict[str, Any]] = [
    {"model": "vaultbot-embed", "input": ["Bread", "Salt"]},  # Copilot
    {"model": "vaultbot-embed", "input": "Bread", "encoding_format": "float"},  # Smart Composer
    {"model": "vaultbot-embed", "input": ["Bread"] * 40, "encoding_format": "base64"},  # AI Providers, by the library
]
