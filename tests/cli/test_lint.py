"""`vaultbot lint` and `vaultbot show` from a shell."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.machine import Machine, fingerprint, machine_in


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with machine_in(tmp_path_factory.mktemp("lint")) as machine:
        machine.write("Food/Kimchi.md", "---\naliases: [gimchi]\n---\n# Salt\nCabbage, see [[Later]].")
        machine.write("Food/Bread.md", "![[gone.png]] [[gimchi]]")
        machine.write("Trips/Kimchi.md", "[[Bread#Crust]]")
        machine.write("C# and ?.md", "Words")
        yield machine


def test_check_fails_for_errors_and_warnings_alone(machine: Machine) -> None:
    assert machine.vaultbot("lint").code == 0
    assert machine.vaultbot("lint", "--check").code == 1
    assert machine.vaultbot("lint", "--check", "--kind", "orphan").code == 0
    assert machine.vaultbot("lint", "--check", "--json", "food/").code == 1
    assert machine.vaultbot("lint", "--check", "Food/Kimchi.md").code == 0


def test_programs_get_every_finding(machine: Machine) -> None:
    page = machine.vaultbot("lint", "--json", "-k", "unresolved", "-k", "dangling").json()

    assert [(one["slug"], one["path"], one["line"], one["fix"]) for one in page["findings"]] == [
        ("dangling", "Trips/Kimchi.md", 1, None),
        ("unresolved", "Food/Bread.md", 1, "perhaps [[Kimchi|gimchi]]"),
        ("unresolved", "Food/Bread.md", 1, None),
        ("unresolved", "Food/Kimchi.md", 5, None),
    ]
    assert (page["errors"], page["warnings"], page["infos"]) == (0, 3, 1)


def test_a_kind_that_does_not_exist_is_refused(machine: Machine) -> None:
    ran = machine.vaultbot("lint", "--kind", "orphans")

    assert ran.code == 2
    assert ran.error.startswith("there is no such kind of finding; choose from: frontmatter, ")


def test_lint_and_show_change_nothing(machine: Machine) -> None:
    before = fingerprint(machine.vault)

    machine.vaultbot("lint", "--verbose")
    machine.vaultbot("show", "gimchi")

    assert fingerprint(machine.vault) == before


def test_a_note_is_shown_by_an_alias_and_by_a_name_full_of_marks(machine: Machine) -> None:
    assert machine.vaultbot("show", "gimchi", "--json").json()["path"] == "Food/Kimchi.md"
    assert machine.vaultbot("show", "C# and ?", "--json").json()["path"] == "C# and ?.md"


def test_a_name_of_two_notes_lists_them(machine: Machine) -> None:
    ran = machine.vaultbot("show", "kimchi")

    assert ran.code == 2
    assert ran.error == "several notes are called that; say which: Food/Kimchi.md, Trips/Kimchi.md"


@pytest.mark.parametrize("name", ["Nowhere", "../Bread", "/etc/passwd", ""])
def test_a_note_that_is_not_there_is_said_not_to_be(machine: Machine, name: str) -> None:
    assert machine.vaultbot("show", name).code in (1, 2)
