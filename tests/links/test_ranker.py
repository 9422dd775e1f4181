"""What the ranking learns, and from what."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np

from tests.links.grounds import ground_of, suggest
from vaultbot.links.features import COLUMN, SIGNALS
from vaultbot.links.hiding import FEWEST, learn, of_note, rows
from vaultbot.links.ranker import PARTS, Rows, part_of, ranker_from, shipped, taught, untaught
from vaultbot.suggestion import Suggestion


def a_vault_with_a_habit() -> dict[str, str]:
    """Pears are linked wherever they are named; plums are named as often, and never linked."""
    notes = {"Pears.md": "A fruit.", "Plums.md": "A fruit.", "Home.md": ""}
    for number in range(30):
        notes[f"Day {number}.md"] = f"Ate [[pears]] with plums, number {number}."
    return notes


def test_a_name_that_the_vault_links_comes_before_one_that_it_only_says() -> None:
    with ground_of(a_vault_with_a_habit(), meaning=False) as ground:
        found = suggest(ground, "Of plums and pears.", ranker=learn(ground, shipped()))

    assert found[0].target == "Pears.md"
    assert all(one.score < found[0].score / 3 for one in found[1:])
    assert any(reason.endswith("with these words they link there") for reason in found[0].reasons)


def test_what_was_learned_moves_the_shipped_weights_the_vaults_way() -> None:
    with ground_of(a_vault_with_a_habit(), meaning=False) as ground:
        before = suggest(ground, "Of plums and pears.", ranker=untaught(shipped(), ground.habits.count))
        after = suggest(ground, "Of plums and pears.", ranker=learn(ground, shipped()))

    def odds(found: list[Suggestion]) -> float:
        scores = {one.target: one.score for one in found}
        return scores["Pears.md"] / scores.get("Plums.md", 0.005)  # What is less likely is not told.

    assert odds(after) > 2 * odds(before)


def test_few_links_teach_nothing() -> None:
    notes = {f"Day {number}.md": "Ate [[Pears]]." for number in range(FEWEST - 1)} | {"Pears.md": ""}
    with ground_of(notes, meaning=False) as ground:
        assert learn(ground, shipped()).learned_from == 0


def test_a_vault_without_links_or_vectors_is_ranked_by_the_shipped_weights() -> None:
    with ground_of({"Raised bed.md": "", "Home.md": "", "Notes on bees.md": ""}, meaning=False) as ground:
        found = suggest(ground, "Built a raised bed. Bees came.")

    assert (found[0].text, found[0].target) == ("raised bed", "Raised bed.md")
    assert all(0 < one.score <= 1 for one in found)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_a_notes_own_links_do_not_teach_its_own_weights() -> None:
    """The weights that score a note stay the same whatever its own part of the vault says."""
    rng = np.random.default_rng(1)
    lists = np.repeat(np.arange(40, dtype=np.int32), 5)
    parts = (lists % PARTS).astype(np.int32)
    linked = rng.random(200) < 0.3
    given = Rows(rng.normal(size=(200, len(SIGNALS))).astype(np.float32), linked, lists, parts)
    ours = parts == part_of("Home.md")

    before = taught(shipped(), given, 40).by_part
    after = taught(shipped(), replace(given, linked=np.where(ours, ~linked, linked)), 40).by_part

    assert (before[part_of("Home.md")].signals == after[part_of("Home.md")].signals).all()
    assert any((a.signals != b.signals).any() for a, b in zip(before, after, strict=True))


def test_a_hidden_link_is_not_seen_by_the_signals_that_it_is_judged_by() -> None:
    with ground_of(a_vault_with_a_habit(), meaning=False) as ground:
        found = rows(ground)
        pears = found.signals[found.linked]
        # Each of the 30 notes has one link, which is taken out of what the others say, and nothing else is.
        assert len(pears) == 30
        for name in ("meant_it", "phrase_links", "linked_from"):
            assert np.expm1(pears[:, COLUMN[name]]).round().tolist() == [29] * 30
        assert (pears[:, COLUMN["own_links"]] == 0).all()


def test_a_hidden_link_looks_as_words_do_that_were_never_linked() -> None:
    """What is learned is used on words that are no link: a hidden one must have the signals that they would have."""
    linked = a_vault_with_a_habit() | {"Home.md": "[[Pears|pears]] are here. More pears, and pears."}
    with ground_of(linked, meaning=False) as ground:
        home = ground.numbers["Home.md"]
        learning = of_note(ground, ground.signals, home, np.ones(len(ground.survey.links), bool))
    with ground_of(linked | {"Home.md": "pears are here. More pears, and pears."}, meaning=False) as ground:
        home = ground.numbers["Home.md"]
        asked = of_note(ground, ground.signals, home, np.zeros(len(ground.survey.links), bool))
        pears = ground.numbers["Pears.md"]

    differing = {
        name: (float(one), float(other))
        for name, one, other in zip(
            SIGNALS,
            learning.signals[learning.targets == pears][0],
            asked.signals[asked.targets == pears][0],
            strict=True,
        )
        if abs(one - other) > 1e-5 and name != "vault_links"
    }
    assert differing == {}


def test_what_was_dismissed_teaches_too() -> None:
    with ground_of(a_vault_with_a_habit(), meaning=False) as ground:
        plain = rows(ground)
        refused = rows(ground, refused={"Day 1.md": ["Plums.md"], "Gone.md": ["Plums.md"]})

    assert len(refused.linked) > len(plain.linked)
    assert refused.linked.sum() == plain.linked.sum()


def test_a_ranker_is_kept_and_read_again() -> None:
    with ground_of(a_vault_with_a_habit(), meaning=False) as ground:
        ranker = learn(ground, shipped())
    kept = json.loads(json.dumps(ranker.to_json()))

    again = ranker_from(kept, shipped())

    assert again is not None
    assert all((a.signals == b.signals).all() for a, b in zip(again.by_part, ranker.by_part, strict=True))


def test_a_ranker_of_other_signals_or_of_none_is_not_read() -> None:
    kept = untaught(shipped(), 0).to_json()

    assert ranker_from(kept, shipped()) is not None
    assert ranker_from({**kept, "signals": kept["signals"][1:]}, shipped()) is None
    assert ranker_from({**kept, "weights": [[float("nan")] * (len(SIGNALS) + 1)] * PARTS}, shipped()) is None
    assert ranker_from({}, shipped()) is None


def test_the_shipped_weights_know_every_signal() -> None:
    one = shipped()

    assert len(one.many.signals) == len(one.none.signals) == len(SIGNALS)
    assert (one.scale.deviation > 0).all()
    assert np.count_nonzero(one.many.signals) > len(SIGNALS) / 2
