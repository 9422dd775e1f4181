"""What every Embedder does. Subclass it in a test file and give it the fixture `embedder`."""

from __future__ import annotations

import numpy as np

from vaultbot.protocols import Embedder

KIMCHI = "Kimchi is cabbage with salt, chilli and time."
PICKLES = "Salt and time make kimchi of any cabbage."
TAXES = "The tax office wants the form before the end of March."


class EmbedderContract:
    def test_vectors_have_unit_length(self, embedder: Embedder) -> None:
        vectors = embedder.embed_documents([KIMCHI, TAXES, "", "量子化"])

        assert vectors.shape == (4, embedder.dimensions)
        assert vectors.dtype == np.float32
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)

    def test_no_texts_make_no_vectors(self, embedder: Embedder) -> None:
        assert embedder.embed_documents([]).shape == (0, embedder.dimensions)
        assert embedder.count_tokens([]) == []

    def test_a_question_is_nearer_to_its_answer_than_to_anything_else(self, embedder: Embedder) -> None:
        question = embedder.embed_query("how much salt and time for the cabbage in kimchi")
        kimchi, pickles, taxes = embedder.embed_documents([KIMCHI, PICKLES, TAXES])

        assert question.shape == (embedder.dimensions,)
        assert min(question @ kimchi, question @ pickles) > question @ taxes

    def test_the_same_text_has_the_same_vector_in_any_company(self, embedder: Embedder) -> None:
        alone = embedder.embed_documents([KIMCHI])[0]
        among = embedder.embed_documents([TAXES * 5, KIMCHI, "a"])[1]

        assert np.allclose(alone, among, atol=1e-3)

    def test_tokens_are_counted_without_a_limit(self, embedder: Embedder) -> None:
        none, one, many = embedder.count_tokens(["", "cabbage", "cabbage " * 2000])

        assert none == 0
        assert one >= 1
        assert many == 2000 * one

    def test_tokens_of_two_texts_add_up(self, embedder: Embedder) -> None:
        first, second, both = embedder.count_tokens([KIMCHI, TAXES, f"{KIMCHI}\n{TAXES}"])

        assert first + second == both

    def test_text_that_is_too_long_or_not_unicode_still_has_a_vector(self, embedder: Embedder) -> None:
        vectors = embedder.embed_documents(["word " * 5000, "lone \ud800 surrogate", "\0"])

        assert np.isfinite(vectors).all()
        assert embedder.count_tokens(["lone \ud800 surrogate"])[0] >= 2

    def test_it_says_what_it_is(self, embedder: Embedder) -> None:
        assert embedder.name
        assert embedder.fingerprint
        assert embedder.dimensions > 1
