"""What graphics hardware a machine has."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.doctor.machines import MACHINES
from vaultbot.models.graphics import Card, graphics_cards


@pytest.mark.parametrize("name", MACHINES)
def test_the_cards_of_a_machine_are_found(tmp_path: Path, name: str) -> None:
    machine = MACHINES[name]

    assert graphics_cards(machine.make(tmp_path), system=machine.system, machine=machine.processor) == machine.cards


def test_this_machine_is_looked_at_without_harm() -> None:
    assert all(card.vendor for card in graphics_cards())


def test_a_card_has_a_name_for_people() -> None:
    labels = [card.label for card in (Card("NVIDIA", "NVIDIA H200"), Card("AMD"), Card("Intel"), Card("Apple"))]

    assert labels == ["NVIDIA H200", "AMD card", "Intel graphics", "Apple's GPU"]
