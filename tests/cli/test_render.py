from __future__ import annotations

import sys

import pytest

from vaultbot.cli.progress import duration
from vaultbot.cli.render import AnswerPrinter, mark, plain, print_report, snippet


def test_a_snippet_is_the_part_with_most_of_the_words() -> None:
    text = "Salt. " + "filler " * 200 + "Cabbage and salt make kimchi. " + "filler " * 200

    shown = snippet(text, ["cabbage", "salt"])

    assert "Cabbage and salt" in shown
    assert shown.startswith("… ")
    assert shown.endswith(" …")
    assert len(shown) < 340


@pytest.mark.parametrize(
    ("text", "words", "marked"),
    [
        ("Salt and saltpetre", ["salt"], "**Salt** and saltpetre"),
        ("量子化とは", ["量子", "子化"], "**量子**化とは"),
        ("C++ (really)", ["c++", "("], "**C++** (really)"),
        ("nothing here", [], "nothing here"),
    ],
)
def test_matches_are_marked(text: str, words: list[str], marked: str) -> None:
    assert mark(text, words) == marked


def test_a_note_cannot_play_tricks_with_the_terminal() -> None:
    assert plain("a\033]0;owned\007b\u202ec\r\u200bd\te\nf") == "a]0;ownedbcd\te\nf"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (40, "40 s"), (89, "89 s"), (180, "3 min"), (7500, "2 h 5 min")]
)
def test_durations_are_told_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_report_names_every_file_that_was_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    counts = dict.fromkeys(("added", "changed", "renamed", "removed", "unchanged"), 0)
    failed = [{"path": "a\033[2Jb.md", "reason": "cannot be read"}]
    print_report(
        {**counts, "added": 2, "skipped": [], "failed": failed, "damaged": [],
         "embedded": 3, "took_s": 1.26, "notes": 2, "chunks": 5,
         "warnings": ["late"]}
    )  # fmt: skip

    shown = capsys.readouterr()
    assert shown.out.splitlines() == [
        "2 added, 1 failed; 3 texts embedded in 1.3 s",
        "the index holds 2 notes in 5 passages",
        "  failed: a[2Jb.md: cannot be read",
    ]
    assert shown.err == "note: late\n"


def test_one_note_is_no_notes(capsys: pytest.CaptureFixture[str]) -> None:
    counts = dict.fromkeys(("added", "changed", "renamed", "removed"), 0)
    print_report(
        {**counts, "unchanged": 1, "skipped": [], "failed": [], "damaged": [], "embedded": 1, "took_s": 0.0,
         "notes": 1, "chunks": 1200, "warnings": []}
    )  # fmt: skip

    assert capsys.readouterr().out.splitlines() == [
        "1 unchanged; 1 text embedded in 0.0 s",
        "the index holds 1 note in 1,200 passages",
    ]


def test_a_sentence_without_support_is_shown_with_the_remark_that_comes_with_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    printer = AnswerPrinter(verbose=False)
    printer.show("sources", {"match": "good", "model": "m"})
    for support, citations, remark in (
        ("quote", [1], ""),
        ("supported", [1], ""),
        ("unsupported", [], "(Not in your notes.)"),
        ("unsupported", [], ""),
    ):
        sentence = {"text": support.title(), "citations": citations, "support": support}
        printer.show("delta", {"sentence": sentence, "remark": remark})

    assert capsys.readouterr().out.splitlines() == [
        "“Quote” [1]",
        "Supported [1]",
        "Unsupported (Not in your notes.)",
        "Unsupported",
    ]


def test_how_many_are_before_is_shown_in_a_terminal_until_the_next_event(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    printer = AnswerPrinter(verbose=False)
    printer.show("waiting", {"before": 2})
    assert capsys.readouterr() == ("", "")

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    for before in (2, 1, 0):
        printer.show("waiting", {"before": before})
    printer.close()

    told = ["2 questions before this one …", "1 question before this one …"]
    assert capsys.readouterr() == ("", "".join(f"{words}\r\033[K" for words in told))


def answered(**more: object) -> dict[str, object]:
    return {
        "answer": "", "sentences": [], "citations": [], "nearest": [], "differences": [], "refused": False,
        "warnings": [], "match": "good", "model": None, "tokens": {},
        "timings_ms": {"retrieve": 1.0, "first_token": None, "total": 2.0}, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "dates", "told"),
    [
        (
            ["3 May", "5 May"],
            ["2026-04-20", "2026-05-02"],
            "Your notes differ: “3 May” [1] of 2026-04-20, “5 May” [2] of 2026-05-02, which\nis newer.",
        ),
        (["3 May", "5 May"], [None, "2026-05-02"], "Your notes differ: “3 May” [1], “5 May” [2] of 2026-05-02."),
        (["", "not"], [None, None], "Your notes differ: without that [1], “not” [2]."),
    ],
)
def test_notes_that_differ_are_told_before_the_sources(
    capsys: pytest.CaptureFixture[str], words: list[str], dates: list[str | None], told: str
) -> None:
    found = {"kind": "date", "citations": [1, 2], "words": words, "dates": dates}

    AnswerPrinter(verbose=False).show("done", answered(differences=[found]))

    assert capsys.readouterr().out.startswith(f"\n{told}\n")


def test_a_source_that_is_quoted_nowhere_is_shown_with_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    citation = {
        "n": 1, "path": "Bread.md", "title": "Bread", "heading_path": [], "line_start": 3, "uri": "obsidian://x",
        "quote": "Bread rises slowly.",
    }  # fmt: skip
    said = {"text": "Bread rises.", "citations": [1], "support": "supported"}

    AnswerPrinter(verbose=False).show("done", answered(citations=[citation], sentences=[said]))
    AnswerPrinter(verbose=False).show("done", answered(citations=[citation], sentences=[{**said, "support": "quote"}]))

    assert capsys.readouterr().out.count("    “Bread rises slowly.”\n    obsidian://x\n") == 1


def test_a_refusal_is_told_in_its_own_words(capsys: pytest.CaptureFixture[str]) -> None:
    printer = AnswerPrinter(verbose=False)
    printer.show("sources", {"match": "none", "model": None})
    printer.show("done", answered(answer="ノートにはありません。", refused=True, match="none"))

    assert capsys.readouterr().out.startswith("ノートにはありません。\n")
