"""Campaigns: what docs/reliability.md promises, tried thousands of times. See `python -m tests.campaigns --help`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.campaigns.campaign import Campaign

_MODULES = {
    "G-1": "fault_points",
    "G-2": "kills",
    "G-3": "edits",
    "G-4": "disk_full",
    "G-5": "vanishing",
    "G-6": "parsers",
    "G-7": "requests",
    "G-10": "vector_damage",
    "G-11": "broken_models",
    "G-12": "concurrency",
    "G-13": "soak",
    "G-14": "any_order",
    "G-17": "storms",
    "G-18": "catalog_damage",
}

ALL = list(_MODULES)


def load(name: str) -> Campaign:
    """The campaign of this number; what it needs is imported only then."""
    campaign: Campaign = import_module(f"tests.campaigns.{_MODULES[name]}").CAMPAIGN
    return campaign
