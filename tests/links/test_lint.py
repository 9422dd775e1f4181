"""What is wrong in a vault."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import VaultBuilder
from vaultbot.errors import InvalidRequest, NoteNotFound
from vaultbot.links.lint import KINDS, Finding

ROOT = Path(__file__).parent.parent.parent


def findings(vault: VaultBuilder, *kinds: str, within: str | None = None) -> list[Finding]:
    vault.index()
    return vault.assistant.lint(within, kinds=kinds)


def told(vault: VaultBuilder, *kinds: str) -> list[tuple[str, int | None, str, str | None]]:
    """(path, line, message, fix) of the findings of these kinds."""
    return [(one.path, one.line, one.message, one.fix) for one in findings(vault, *kinds)]


def fixes(vault: VaultBuilder, *kinds: str) -> list[str | None]:
    return [one.fix for one in findings(vault, *kinds)]


def test_nothing_is_wrong_in_a_vault_that_is_all_right(vault: VaultBuilder) -> None:
    vault.write("Home.md", "---\nis: '[[Food]]'\n---\n# Top\n[[Food#Bread]] and [[#Top]]")
    vault.write("Food.md", "# Bread\nBack to [[Home]]. ![[loaf.png]]")
    vault.write("loaf.png", b"\x89PNG")

    assert findings(vault) == []


# ── notes ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_read_in_another_way_than_it_was_written_is_an_error(vault: VaultBuilder) -> None:
    vault.write("Broken.md", "---\na: [\n---\n[[Unquoted]]")
    vault.write("Unquoted.md", "---\nis: [[Broken]]\ntags: two words\n---\n[[Broken]]")
    vault.write("Board.canvas", "{")

    found = findings(vault)

    assert [(one.slug, one.severity, one.path, one.line) for one in found] == [
        ("frontmatter", "error", "Broken.md", 3),
        ("unquoted-link", "error", "Unquoted.md", 2),
        ("tag", "error", "Unquoted.md", 3),
        ("canvas", "error", "Board.canvas", None),
    ]
    assert 'Put quotes around it: "[[Broken]]"' in found[1].message


def test_names_that_obsidian_no_longer_reads_are_told(vault: VaultBuilder) -> None:
    vault.write("Old.md", "---\nalias: Older\naliases: [2024]\n---\n[[Old]]")

    assert [(one.slug, one.severity, one.line) for one in findings(vault, "alias", "legacy-property")] == [
        ("alias", "warning", 3),
        ("legacy-property", "warning", 2),
    ]


def test_files_that_were_left_out_are_told(vault: VaultBuilder) -> None:
    vault.write("Binary.md", b"\0\1\2" * 100)
    vault.write(".obsidian/app.json", "no JSON")

    found = findings(vault, "skipped")

    assert [(one.path, one.severity) for one in found] == [(".obsidian/app.json", "warning"), ("Binary.md", "warning")]


def test_what_its_owner_leaves_out_is_information(vault: VaultBuilder) -> None:
    vault.write("Mine.md", "---\nvaultbot: false\n---\nWords")

    assert [(one.path, one.severity) for one in findings(vault)] == [("Mine.md", "info")]


def test_every_problem_a_note_can_have_is_a_kind_of_finding() -> None:
    code = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "vaultbot" / "vault").glob("*.py"))
    slugs = set(re.findall(r'Problem\(\s*"([\w-]+)"', code))

    assert len(slugs) > 8
    assert slugs <= set(KINDS)


# ── links ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_link_that_leads_nowhere_has_its_line(vault: VaultBuilder) -> None:
    vault.write("Home.md", "# Top\n\nRead [[Kimchi|this]] and ![[loaf.png]] and [t](scan.pdf).")

    found = findings(vault, "unresolved")

    assert [(one.path, one.line, one.message, one.fix, one.severity) for one in found] == [
        ("Home.md", 3, 'no file is called "Kimchi"', None, "info"),
        ("Home.md", 3, 'no file is called "loaf.png"', None, "warning"),
        ("Home.md", 3, 'no file is called "scan.pdf"', None, "warning"),
    ]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("[[AI]]", "[[Sourdough|AI]]"),
        ("[[ai|the field]]", "[[Sourdough|the field]]"),
        ("[[Sourdogh]]", "[[Sourdough]]"),
        ("[[Sourdogh#Top|x]]", "[[Sourdough#Top|x]]"),
        ("![[Sourdogh]]", "![[Sourdough]]"),
        ("[x](Sourdogh.md)", "[x](Sourdough.md)"),
        ("[[old/Sourdough]]", "[[Sourdough]]"),
        ("[[/Sourdough]]", "[[Sourdough]]"),
        ("[[My%20Note]]", "[[My Note]]"),
        ("![[loaf]]", "![[loaf.png]]"),
        ("![[img/laof.png]]", "![[loaf.png]]"),
    ],
)
def test_what_was_meant_is_offered_as_a_link_that_works(vault: VaultBuilder, written: str, meant: str) -> None:
    vault.write("b/Sourdough.md", "---\naliases: [Solo, AI]\n---\n# Top")
    vault.write("My Note.md", "")
    vault.write("pics/loaf.png", b"\x89PNG")
    vault.write("Home.md", written)
    assert [(one.fix, one.severity) for one in findings(vault, "unresolved")] == [(f"perhaps {meant}", "warning")]

    vault.write("Home.md", meant)

    assert findings(vault, "unresolved", "dangling") == []


def test_what_is_not_clear_is_not_offered(vault: VaultBuilder) -> None:
    vault.write("a/Peer.md", "---\naliases: [AI]\n---\n")
    vault.write("b/Peer.md", "---\naliases: [AI]\n---\n")
    vault.write("Home.md", "[[AI]] [[old/Peer]] ![[Peer.png]]")

    assert fixes(vault, "unresolved") == [None, None, None]


def test_a_day_without_a_note_stands_apart(vault: VaultBuilder) -> None:
    vault.write("Home.md", "[[2025-01-03]] [[Daily/2025-01-04]] [[Kimchi]]")

    assert told(vault, "missing-day") == [
        ("Home.md", 1, "2025-01-03 has no note", None),
        ("Home.md", 1, "Daily/2025-01-04 has no note", None),
    ]
    assert [one.message for one in findings(vault, "unresolved")] == ['no file is called "Kimchi"']


def test_a_missing_heading_block_or_footnote_is_told_with_the_nearest_heading(vault: VaultBuilder) -> None:
    vault.write("Bread.md", "# Loaf\n## My everyday loaf\n")
    vault.write(
        "Home.md", "[[Bread#My evryday loaf|loaf]]\n[[Bread#^b]]\n[[Bread#[^1]]]\n[[#Top]]\n[[Bread#my everyday loaf]]"
    )

    assert told(vault, "dangling") == [
        ("Home.md", 1, 'Bread.md has no heading "My evryday loaf"', "perhaps [[Bread#My everyday loaf|loaf]]"),
        ("Home.md", 2, "Bread.md has no block ^b", None),
        ("Home.md", 3, "Bread.md has no footnote [^1]", None),
        ("Home.md", 4, 'this note has no heading "Top"', None),
    ]


def test_links_in_comments_are_nobodys_trouble(vault: VaultBuilder) -> None:
    vault.write("Home.md", "%% [[Gone]] [[#Gone]] [[Tie]] [[2025-01-03]] %%")
    vault.write("a/Tie.md", "")
    vault.write("b/Tie.md", "")

    assert findings(vault, "unresolved", "dangling", "ambiguous", "missing-day") == []


def test_an_ambiguous_link_is_told_with_the_link_that_is_not(vault: VaultBuilder) -> None:
    vault.write("aa/Tie.md", "# Top")
    vault.write("bb/Tie.md", "")
    vault.write("Home.md", "[[Tie]]\n[[tie#Top|x]]\n[t](Tie.md)")

    assert told(vault, "ambiguous") == [
        ("Home.md", 1, '"Tie" is aa/Tie.md here, and could be bb/Tie.md', "write [[aa/Tie]]"),
        ("Home.md", 2, '"tie" is aa/Tie.md here, and could be bb/Tie.md', "write [[aa/Tie#Top|x]]"),
        ("Home.md", 3, '"Tie.md" is aa/Tie.md here, and could be bb/Tie.md', "write [t](aa/Tie.md)"),
    ]


# ── names ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_notes_of_the_same_name_are_told_once(vault: VaultBuilder) -> None:
    for number in range(7):
        vault.write(f"{number}/index.md", "")

    ((path, line, message, fix),) = told(vault, "duplicate-title")

    assert (path, line) == ("0/index.md", None)
    assert message == "its name is also that of 1/index.md, 2/index.md, 3/index.md, 4/index.md and 2 more"
    assert fix == "write links to them with the folder"


def test_a_name_that_no_link_can_hold_is_told(vault: VaultBuilder) -> None:
    vault.write("C# notes.md", "")
    vault.write("a#1.md", "")
    vault.write("Home.md", "[it](a%231.md)")

    assert told(vault, "unlinkable-name") == [
        ("C# notes.md", None, 'its name holds "#", so no [[link]] can lead to it', "rename it without #")
    ]


@pytest.mark.parametrize(
    "copy",
    [
        "Bread (conflicted copy 2024-01-02).md",
        "Bread (Ann's conflicted copy 2024-01-02).md",
        "Bread (Conflicted copy MacBook 202401021234).md",
        "Bread (conflict 2024-01-02).md",
        "Bread (Case Conflict).md",
        "Bread.sync-conflict-20240102-123456-ABCDEFG.md",
        "Bread[Conflict].md",
        "Bread-DESKTOP-AB12CD3.md",
        "Bread-LAPTOP-0A1B2C3D-2.md",
        "Bread.conflict.md",
    ],
)
def test_a_copy_that_a_sync_program_left_is_told_with_its_original(vault: VaultBuilder, copy: str) -> None:
    vault.write("Food/Bread.md", "")
    vault.write(f"Food/{copy}", "")

    ((path, _, message, fix),) = told(vault, "conflict-copy")

    assert path == f"Food/{copy}"
    assert message == "it is the copy that a sync program made of Food/Bread.md"
    assert fix == "keep what is right of both, and delete the copy"


@pytest.mark.parametrize(
    "name",
    [
        "Conflict (theory).md",
        "Conflicted copy.md",
        "War (conflict theory).md",
        "x (1).md",
        "Setup of-DESKTOP-AB12CD3.md",
        "Bread-desktop-computer.md",
        "Peace.conflict.md",
    ],
)
def test_a_note_about_conflicts_is_no_copy(vault: VaultBuilder, name: str) -> None:
    vault.write("Bread.md", "")
    vault.write(name, "")

    assert findings(vault, "conflict-copy") == []


# ── links that are not there ───────────────────────────────────────────────────────────────────────────────────


def test_lonely_notes_are_information_and_each_is_told_once(vault: VaultBuilder) -> None:
    vault.write("Alone.md", "")
    vault.write("Orphan.md", "[[End]]")
    vault.write("End.md", "")
    vault.write("unused.png", b"\x89PNG")

    assert [(one.slug, one.severity, one.path) for one in findings(vault)] == [
        ("isolated", "info", "Alone.md"),
        ("orphan", "info", "Orphan.md"),
        ("dead-end", "info", "End.md"),
        ("unlinked-attachment", "info", "unused.png"),
    ]


def test_days_and_templates_need_no_links(vault: VaultBuilder) -> None:
    vault.write(".obsidian/templates.json", '{"folder": "Templates"}')
    vault.write("Templates/Day.md", "{{title}}")
    vault.write("2025-01-03.md", "A day.")

    assert findings(vault) == []


# ── where to look ──────────────────────────────────────────────────────────────────────────────────────────────


def test_excluded_notes_are_looked_at_only_when_they_are_named(vault: VaultBuilder) -> None:
    vault.write(".obsidian/app.json", '{"userIgnoreFilters": ["Archive/"]}')
    vault.write("Archive/Old.md", "![[gone.png]]")
    vault.write("New.md", "![[gone.png]]")

    assert [one.path for one in findings(vault, "unresolved")] == ["New.md"]
    assert [one.path for one in findings(vault, "unresolved", within="Archive")] == ["Archive/Old.md"]


def test_a_note_that_vaultbot_may_not_read_is_let_alone(vault: VaultBuilder) -> None:
    vault.write("C#.md", "---\nvaultbot: false\n---\n![[gone.png]]")

    assert [one.slug for one in findings(vault)] == ["skipped"]


@pytest.mark.parametrize(
    ("within", "paths"),
    [
        ("Food/Bread.md", ["Food/Bread.md"]),
        ("bread", ["Food/Bread.md"]),
        ("food/", ["Food/Bread.md", "Food/Cake.md"]),
        (".", ["Food/Bread.md", "Food/Cake.md", "Foo.md"]),
        ("Loaf", ["Food/Bread.md"]),
    ],
)
def test_a_folder_or_a_note_can_be_looked_at_alone(vault: VaultBuilder, within: str, paths: list[str]) -> None:
    vault.write("Food/Bread.md", "---\naliases: [Loaf]\n---\n![[gone.png]]")
    vault.write("Food/Cake.md", "![[gone.png]]")
    vault.write("Foo.md", "![[gone.png]]")

    assert sorted(one.path for one in findings(vault, "unresolved", within=within)) == sorted(paths)


def test_what_is_not_there_cannot_be_looked_at(vault: VaultBuilder) -> None:
    vault.write("Home.md", "")
    vault.index()

    with pytest.raises(NoteNotFound):
        vault.assistant.lint("Nowhere")
    with pytest.raises(InvalidRequest, match="no such kind of finding; choose from: frontmatter, "):
        vault.assistant.lint(kinds=["orphans"])


def test_what_is_kept_out_of_search_is_never_offered(vault: VaultBuilder) -> None:
    vault.write(".obsidian/app.json", '{"userIgnoreFilters": ["Private/"]}')
    vault.write("Private/Secret Diary.md", "---\naliases: [Blue Whale]\n---\n# Divorce lawyer costs\n[[A]]")
    vault.write("A.md", "[[Blue Whale]] [[Secret Dairy]] [[Secret Diary#Divorce lawyer cost]]")

    assert fixes(vault, "unresolved", "dangling") == [None, None, None]
    (backlink,) = vault.assistant.note("A").backlinks
    assert (backlink.heading_path, backlink.context) == ((), "")


def test_a_block_that_moved_to_another_note_is_found_there(vault: VaultBuilder) -> None:
    vault.write("Old.md", "Nothing is left.")
    vault.write("New.md", "The words. ^ab12")
    vault.write("Home.md", "[[Old#^ab12]] and [[Old#^ab12|there]]")

    assert fixes(vault, "dangling") == ["perhaps [[New#^ab12]]", "perhaps [[New#^ab12|there]]"]
