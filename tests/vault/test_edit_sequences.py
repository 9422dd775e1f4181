"""Edits, undos, kills and a person who goes on writing: no byte is lost. `make campaign ONLY=G-3` plays thousands."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, seed, settings

from tests.vault.edit_stories import Story, play, stories


@seed(6)
@settings(max_examples=200, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(stories())
def test_whatever_happens_every_note_is_old_or_new_and_can_be_had_back(story: Story) -> None:
    with TemporaryDirectory() as folder:
        play(story, Path(folder))
