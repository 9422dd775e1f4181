"""Accepting, dismissing and taking back suggestions; what is written is suggested anew each time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import pytest

from vaultbot.errors import ChangedMeanwhile, InvalidRequest, NoteNotFound
from vaultbot.links.decisions import Decisions
from vaultbot.links.review import Review
from vaultbot.suggestion import Edit, NewNote, PropertyValue, Replacement, Suggestion, SuggestionKind
from vaultbot.vault.editor import Editor
from vaultbot.vault.vault import Vault


def suggestion(id: str, note: str, kind: SuggestionKind, text: str, edit: Edit, digest: str) -> Suggestion:  # noqa: A002
    return Suggestion(id, kind, note, f"{text}.md", text, edit, 0.5, ("because",), 1, 1, text, digest)


@dataclass
class Words:
    """Suggests a link for each of these words, a tag, lists of related notes, and a note to be made."""

    root: Path
    words: Sequence[str] = ("compost", "peas")
    asked: int = 0

    def __call__(self, note: str) -> list[Suggestion]:
        self.asked += 1
        data = (self.root / note).read_bytes()
        text, digest = data.decode(), sha256(data).hexdigest()
        found = [
            suggestion(word, note, "mention", word, Replacement(at, at + len(word), f"[[{word}]]"), digest)
            for word in self.words
            if (at := text.find(word)) >= 0 and f"[[{word}" not in text
        ]
        if "tags:" not in text:
            found.append(suggestion("tag", note, "tag", "garden", PropertyValue("tags", "garden"), digest))
        end = len(text)
        heading = "" if "## Related" in text else "\n\n## Related\n"
        for name in ("Soil", "Beds"):
            if f"[[{name}]]" not in text:
                edit = Replacement(end, end, f"{heading}\n- [[{name}]]")
                found.append(suggestion(name, note, "semantic", name, edit, digest))
        found.append(suggestion("new", "New/Heap.md", "create", "Heap", NewNote("# Heap\n"), ""))
        return found


@dataclass
class Desk:
    root: Path
    review: Review
    decisions: Decisions
    words: Words
    changes: list[None]

    def hash(self, note: str = "Tomato.md") -> str:
        return sha256((self.root / note).read_bytes()).hexdigest()

    def text(self, note: str = "Tomato.md") -> str:
        return (self.root / note).read_text(encoding="utf-8")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    root = tmp_path / "vault"
    root.mkdir()
    (root / "Tomato.md").write_text("of compost and peas", encoding="utf-8")
    editor = Editor(Vault(root), tmp_path / "edits", clock=lambda: time.time() + 3600)
    words, decisions, changes = Words(root), Decisions(tmp_path / "decisions.db"), list[None]()
    return Desk(
        root, Review(editor, decisions, suggest=words, changed=lambda: changes.append(None)), decisions, words, changes
    )


def test_what_is_accepted_is_written_remembered_and_told(desk: Desk) -> None:
    done = desk.review.apply("Tomato.md", ["peas", "tag"], sha256=desk.hash())

    assert desk.text() == "---\ntags:\n  - garden\n---\nof compost and [[peas]]"
    assert ([one.id for one in done.accepted], done.refused, done.sha256) == (["peas", "tag"], (), desk.hash())
    assert [(one.suggestion, one.run) for one in desk.decisions.accepted()] == [("peas", done.run), ("tag", done.run)]
    assert len(desk.changes) == 1
    (run,) = desk.review.history()
    assert [change["text"] for change in run.entries[0].changes] == ["peas", "garden"]


def test_lines_for_one_place_are_written_one_after_the_other(desk: Desk) -> None:
    done = desk.review.apply("Tomato.md", ["Soil", "Beds", "compost"], sha256=desk.hash())

    assert desk.text() == "of [[compost]] and peas\n\n## Related\n\n- [[Soil]]\n- [[Beds]]"
    assert (len(done.accepted), done.refused) == (3, ())
    assert desk.review.undo(done.run).restored == ("Tomato.md",)
    assert desk.text() == "of compost and peas"


def test_a_note_that_was_changed_since_it_was_seen_is_left_alone(desk: Desk) -> None:
    seen = desk.hash()
    (desk.root / "Tomato.md").write_text("of compost", encoding="utf-8")

    with pytest.raises(ChangedMeanwhile):
        desk.review.apply("Tomato.md", ["compost"], sha256=seen)

    assert desk.text() == "of compost"
    assert (list(desk.decisions), desk.changes) == ([], [])


def test_what_is_not_suggested_any_more_is_refused_by_name(desk: Desk) -> None:
    done = desk.review.apply("Tomato.md", ["compost", "made up"], sha256=desk.hash())

    assert [(one.id, one.reason) for one in done.refused] == [("made up", "it is not suggested any more")]
    assert desk.text() == "of [[compost]] and peas"
    with pytest.raises(InvalidRequest):
        desk.review.apply("Tomato.md", [], sha256=desk.hash())


def test_a_note_that_is_wanted_is_made_and_undone_with_the_rest(desk: Desk) -> None:
    done = desk.review.apply("Tomato.md", ["new", "compost"], sha256=desk.hash())

    assert desk.text("New/Heap.md") == "# Heap\n"
    undone = desk.review.undo()
    assert (undone.run, undone.restored, undone.removed) == (done.run, ("Tomato.md",), ("New/Heap.md",))
    assert not (desk.root / "New").exists()
    assert desk.decisions.accepted() == []


def test_one_that_cannot_be_written_does_not_keep_back_the_others(desk: Desk) -> None:
    (desk.root / "New").mkdir()
    (desk.root / "New/heap.md").write_text("mine", encoding="utf-8")

    done = desk.review.apply("Tomato.md", ["new", "compost"], sha256=desk.hash())

    assert [(one.id, one.reason) for one in done.refused] == [("new", "there is New/heap.md already")]
    assert [one.id for one in done.accepted] == ["compost"]


def test_a_dry_run_shows_a_diff_and_writes_nothing(desk: Desk) -> None:
    shown = desk.review.apply("Tomato.md", ["peas", "new", "made up"], sha256=desk.hash(), dry_run=True)

    assert shown.diff == (
        "--- /dev/null\n+++ b/New/Heap.md\n@@ -0,0 +1 @@\n+# Heap\n"
        "--- a/Tomato.md\n+++ b/Tomato.md\n@@ -1 +1 @@\n"
        "-of compost and peas\n\\ No newline at end of file\n+of compost and [[peas]]\n\\ No newline at end of file\n"
    )
    assert (shown.run, [one.id for one in shown.refused]) == ("", ["made up"])
    assert (desk.text(), list(desk.decisions), desk.changes) == ("of compost and peas", [], [])
    assert not (desk.root / "New").exists()


def test_what_was_dismissed_is_not_open_until_it_is_cleared(desk: Desk) -> None:
    decision = desk.review.dismiss("Tomato.md", "compost", "phrase")
    desk.review.dismiss("Tomato.md", "peas", "here")
    with pytest.raises(NoteNotFound, match="there is no such suggestion"):
        desk.review.dismiss("Tomato.md", "made up", "here")

    assert [one.id for one in desk.review.open(desk.words("Tomato.md"))] == ["tag", "Soil", "Beds", "new"]
    assert [one.text for one in desk.review.dismissals()] == ["compost", "peas"]
    assert desk.review.forget([decision.number]) == 1
    assert desk.review.forget() == 1
    assert len(desk.review.open(desk.words("Tomato.md"))) == 6


def test_clearing_dismissals_forgets_nothing_that_was_accepted(desk: Desk) -> None:
    desk.review.apply("Tomato.md", ["compost"], sha256=desk.hash())

    assert desk.review.forget() == 0
    assert desk.review.forget([one.number for one in desk.decisions]) == 0
    assert len(desk.decisions.accepted()) == 1


def test_a_rename_takes_decisions_and_edits_along(desk: Desk) -> None:
    desk.review.dismiss("Tomato.md", "peas", "pair")
    desk.review.apply("Tomato.md", ["compost"], sha256=desk.hash())
    (desk.root / "Tomato.md").rename(desk.root / "Tomatoes.md")

    desk.review.renamed("Tomato.md", "Tomatoes.md")

    assert [one.id for one in desk.review.open(desk.words("Tomatoes.md"))] == ["tag", "Soil", "Beds", "new"]
    assert desk.review.undo().restored == ("Tomatoes.md",)


def test_a_later_round_that_fails_keeps_what_was_written_before(desk: Desk) -> None:
    review, root = desk.review, desk.root

    def meddled(note: str) -> list[Suggestion]:
        found = desk.words(note)
        if desk.words.asked > 1:
            (root / note).write_text("typed", encoding="utf-8")
            return [replace(one, sha256="0" * 64) for one in found]
        return found

    review._suggest = meddled

    done = review.apply("Tomato.md", ["Soil", "Beds"], sha256=desk.hash())

    assert [one.id for one in done.accepted] == ["Soil"]
    assert [(one.id, "changed since" in one.reason) for one in done.refused] == [("Beds", True)]
    assert [one.suggestion for one in desk.decisions.accepted()] == ["Soil"]
