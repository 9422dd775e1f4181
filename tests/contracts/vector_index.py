"""What every VectorIndex does. Subclass it in a test file and give it the fixture `index`, which is empty."""

from __future__ import annotations

import numpy as np
import pytest

from vaultbot.protocols import FloatArray, VectorIndex


def unit_vectors(count: int, *, dimensions: int = 32, seed: int = 7) -> dict[str, FloatArray]:
    """Random directions by the ids "0", "1", …"""
    drawn = np.random.default_rng(seed).normal(size=(count, dimensions)).astype(np.float32)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    return {str(number): vector for number, vector in enumerate(drawn)}


class VectorIndexContract:
    def test_every_vector_finds_itself(self, index: VectorIndex) -> None:
        vectors = unit_vectors(300)
        index.upsert(vectors)

        for identity, vector in vectors.items():
            [(nearest, cosine)] = index.query(vector, limit=1)
            assert nearest == identity
            assert cosine == pytest.approx(1, abs=1e-4)

    def test_the_nearest_come_first_with_their_cosine(self, index: VectorIndex) -> None:
        vectors = unit_vectors(200)
        index.upsert(vectors)
        question = unit_vectors(1, seed=8)["0"]

        found = index.query(question, limit=10)

        cosines = {identity: float(question @ vector) for identity, vector in vectors.items()}
        expected = sorted(cosines, key=lambda identity: -cosines[identity])[:10]
        assert [identity for identity, _ in found] == expected
        assert [cosine for _, cosine in found] == pytest.approx([cosines[i] for i in expected], abs=1e-4)

    def test_an_empty_index_finds_nothing(self, index: VectorIndex) -> None:
        assert index.query(unit_vectors(1)["0"], limit=5) == []
        assert index.ids() == set()

    def test_it_finds_fewer_when_it_holds_fewer(self, index: VectorIndex) -> None:
        index.upsert(unit_vectors(3))

        assert len(index.query(unit_vectors(1)["0"], limit=50)) == 3

    def test_a_vector_can_be_replaced_and_written_twice(self, index: VectorIndex) -> None:
        first, second = unit_vectors(2).values()
        index.upsert({"a": first, "b": second})
        index.upsert({"a": second})
        index.upsert({"a": second})

        assert index.ids() == {"a", "b"}
        assert dict(index.query(second, limit=2)) == pytest.approx({"a": 1.0, "b": 1.0}, abs=1e-4)

    def test_what_was_deleted_is_not_found_and_unknown_ids_are_ignored(self, index: VectorIndex) -> None:
        vectors = unit_vectors(20)
        index.upsert(vectors)
        index.delete(["3", "4", "never there"])
        index.delete([])
        index.upsert({})

        assert index.ids() == set(vectors) - {"3", "4"}
        assert not {"3", "4"} & {identity for identity, _ in index.query(vectors["3"], limit=20)}

    def test_thousands_go_in_and_out_at_once(self, index: VectorIndex) -> None:
        vectors = unit_vectors(2500, dimensions=8)
        index.upsert(vectors)
        index.delete([str(number) for number in range(1200)])

        assert len(index.ids()) == 1300
        assert index.query(vectors["2000"], limit=1)[0][0] == "2000"
