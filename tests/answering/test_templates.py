"""Prompt templates: found, filled, and refused when they ask for what there is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from vaultbot.answering.templates import PLACEHOLDERS, load_template
from vaultbot.errors import ConfigError


@pytest.mark.parametrize("name", sorted(PLACEHOLDERS))
def test_every_template_that_comes_along_is_whole(name: str) -> None:
    template = load_template(name)
    system, user = template.messages(**dict.fromkeys(PLACEHOLDERS[name], "[1] Bread rises.") | {"question": "Why?"})

    assert (system.role, user.role) == ("system", "user")
    assert "[1] Bread rises." in user.content
    assert user.content.endswith("Question: Why?")
    assert "{{" not in system.content + user.content + template.prefix


def test_only_the_tiny_template_puts_words_in_the_models_mouth() -> None:
    assert load_template("ask-tiny").prefix == "According to [1],"
    assert load_template("ask").prefix == ""


def test_a_template_of_ones_own_comes_first(tmp_path: Path) -> None:
    (tmp_path / "ask.md").write_text("## user\n\nTell me: {{ question }} from {{sources}}")

    (only,) = load_template("ask", folder=tmp_path).messages(sources="S", question="Q")
    assert only.content == "Tell me: Q from S"
    assert load_template("ask-tiny", folder=tmp_path).prefix  # The others still come with vaultbot.


def test_what_is_filled_in_is_not_searched_for_placeholders() -> None:
    (_, user) = load_template("ask").messages(sources="{{question}} \\1 {{sources}}", question="Q")

    assert "{{question}} \\1 {{sources}}" in user.content


def test_an_unknown_placeholder_names_the_file_and_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "ask.md").write_text("## user\n\n{{notes}}")

    with pytest.raises(ConfigError, match=r"ask\.md asks for {{notes}}; it may use {{question}} and {{sources}}"):
        load_template("ask", folder=tmp_path)


def test_a_template_without_a_user_section_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ask.md").write_text("## system\n\nBe kind.")

    with pytest.raises(ConfigError, match="no section '## user'"):
        load_template("ask", folder=tmp_path)
