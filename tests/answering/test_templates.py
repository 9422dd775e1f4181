"""Prompt templates: found, filled, and refused when they ask for what there is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from vaultbot.answering.templates import PLACEHOLDERS, check_templates, load_refusal, load_template
from vaultbot.errors import ConfigError

ASKED = {"question": "Why?", "date": "2026-05-12", "vault": "garden", "language": "English"}


@pytest.mark.parametrize("name", sorted(PLACEHOLDERS.keys() - {"refuse"}))
def test_every_template_that_comes_along_is_whole(name: str) -> None:
    template = load_template(name)
    system, user = template.messages(**dict.fromkeys(PLACEHOLDERS[name], "[1] Bread rises.") | ASKED)

    assert (system.role, user.role) == ("system", "user")
    assert "[1] Bread rises." in user.content
    assert user.content.endswith("Question: Why?")
    assert "{{" not in system.content + user.content + template.prefix


def test_only_the_tiny_template_puts_words_in_the_models_mouth() -> None:
    assert load_template("ask-tiny").prefix == "According to [1],"
    assert load_template("ask").prefix == ""


def test_a_template_of_ones_own_comes_first(tmp_path: Path) -> None:
    (tmp_path / "ask.md").write_text("## user\n\nTell me: {{ question }} from {{sources}}")

    (only,) = load_template("ask", folder=tmp_path).messages(sources="S", **ASKED | {"question": "Q"})
    assert only.content == "Tell me: Q from S"
    assert load_template("ask-tiny", folder=tmp_path).prefix  # The others still come with vaultbot.


def test_what_is_filled_in_is_not_searched_for_placeholders() -> None:
    (_, user) = load_template("ask").messages(sources="{{question}} \\1 {{sources}}", **ASKED)

    assert "{{question}} \\1 {{sources}}" in user.content


def test_the_model_is_told_which_language_to_answer_in() -> None:
    system, _ = load_template("ask").messages(sources="S", **ASKED | {"language": "Japanese"})

    assert "in Japanese." in system.content


@pytest.mark.parametrize("placeholder", ["notes", "Question", "date:YYYY", "my-own"])
def test_an_unknown_placeholder_names_the_file_and_the_known_ones(tmp_path: Path, placeholder: str) -> None:
    (tmp_path / "ask.md").write_text(f"## user\n\n{{{{{placeholder}}}}}")

    with pytest.raises(ConfigError) as told:
        load_template("ask", folder=tmp_path)
    assert str(told.value) == (
        f"the prompt {tmp_path / 'ask.md'} asks for {{{{{placeholder}}}}}; it may use {{{{date}}}}, {{{{language}}}}, "
        "{{question}}, {{sources}} and {{vault}}"
    )


def test_a_template_without_a_user_section_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ask.md").write_text("## system\n\nBe kind.")

    with pytest.raises(ConfigError, match="no section '## user'"):
        load_template("ask", folder=tmp_path)


# ── refusals ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("English", "Not in your notes."),
        ("Japanese", "ノートにはありません。"),
        ("Chinese", "你的笔记中没有。"),
        ("Icelandic", "Not in your notes."),
        ("the language of the question", "Not in your notes."),
    ],
)
def test_a_refusal_is_in_the_language_of_the_question(language: str, words: str) -> None:
    assert load_refusal().text(sources="", **ASKED | {"language": language}) == words


def test_a_refusal_of_ones_own_may_be_one_sentence_for_all_languages(tmp_path: Path) -> None:
    (tmp_path / "refuse.md").write_text("---\nplaceholders: x\n---\n{{vault}} holds nothing on “{{question}}”.")

    said = load_refusal(folder=tmp_path).text(sources="", **ASKED)
    assert said == "garden holds nothing on “Why?”."


@pytest.mark.parametrize("text", ["", "---\na: 1\n---\n", "{{nearest}}"])
def test_a_refusal_that_says_nothing_is_refused_at_the_start(tmp_path: Path, text: str) -> None:
    (tmp_path / "refuse.md").write_text(text)

    with pytest.raises(ConfigError, match=r"refuse\.md"):
        check_templates(tmp_path)
