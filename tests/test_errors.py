"""What errors say, and what of them may be logged."""

from __future__ import annotations

from vaultbot.errors import VaultbotError, kind_and_place


def all_kinds(base: type[VaultbotError]) -> list[type[VaultbotError]]:
    return [base, *(kind for child in base.__subclasses__() for kind in all_kinds(child))]


def test_every_kind_has_an_exit_code_that_the_contract_knows() -> None:
    assert {kind.exit_code for kind in all_kinds(VaultbotError)} == {1, 2, 3, 4, 5, 6}


def test_the_log_gets_the_place_of_an_error_and_never_its_message() -> None:
    def read_a_note() -> None:
        raise ValueError("Dear diary, today")

    try:
        read_a_note()
    except ValueError as error:
        logged = kind_and_place(error)

    assert logged.startswith("ValueError in ")
    assert "test_errors.read_a_note:" in logged
    assert "diary" not in logged
