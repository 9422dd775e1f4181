"""What every ChatModel does. Subclass it in a test file and give it the fixtures."""

from __future__ import annotations

import threading

import pytest

from vaultbot.errors import InvalidRequest
from vaultbot.protocols import ChatModel, Generation, Message

REPLY = "The vault says: the garden plan is due on Friday [1]."
QUESTION = [Message("system", "Answer from the sources."), Message("user", "When is the plan due?")]


def text_of(pieces: list[Generation]) -> str:
    return "".join(piece.text for piece in pieces)


class ChatModelContract:
    """Needs a fixture `model`, which replies REPLY to QUESTION and has room for at most 2000 tokens."""

    def test_the_answer_comes_piece_by_piece(self, model: ChatModel) -> None:
        pieces = list(model.stream(QUESTION, max_tokens=100))

        assert text_of(pieces) == REPLY
        assert len(pieces) > 5

    def test_only_the_last_piece_has_the_usage(self, model: ChatModel) -> None:
        *before, last = model.stream(QUESTION, max_tokens=100)

        assert all(piece.text and piece.usage is None for piece in before)
        assert last.usage is not None
        assert last.usage.prompt > 5
        assert last.usage.completion == len(before)

    def test_words_put_in_its_mouth_are_not_repeated(self, model: ChatModel) -> None:
        pieces = list(model.stream(QUESTION, max_tokens=100, prefix="Well."))

        assert "Well." not in text_of(pieces)
        assert "garden plan" in text_of(pieces)

    def test_it_ends_before_a_stop_string(self, model: ChatModel) -> None:
        pieces = list(model.stream(QUESTION, max_tokens=100, stop=["never", "plan is"]))

        assert text_of(pieces).rstrip() == "The vault says: the garden"
        assert pieces[-1].usage

    def test_it_ends_after_so_many_tokens(self, model: ChatModel) -> None:
        pieces = list(model.stream(QUESTION, max_tokens=3))

        assert pieces[-1].usage
        assert pieces[-1].usage.completion == 3
        assert REPLY.startswith(text_of(pieces))

    def test_a_cancelled_answer_ends_and_the_next_one_is_whole(self, model: ChatModel) -> None:
        cancel = threading.Event()
        stream = model.stream(QUESTION, max_tokens=100, cancel=cancel)
        first = next(stream)
        cancel.set()
        rest = list(stream)

        assert rest[-1].usage
        assert len(text_of([first, *rest])) < len(REPLY)
        assert text_of(list(model.stream(QUESTION, max_tokens=100))) == REPLY

    def test_what_is_cancelled_before_it_starts_says_nothing(self, model: ChatModel) -> None:
        cancel = threading.Event()
        cancel.set()

        pieces = list(model.stream(QUESTION, max_tokens=100, cancel=cancel))

        assert text_of(pieces) == ""
        assert pieces[-1].usage

    def test_closing_the_stream_makes_room_for_the_next_question(self, model: ChatModel) -> None:
        stream = model.stream(QUESTION, max_tokens=100)
        next(stream)
        stream.close()  # type: ignore[attr-defined]

        assert text_of(list(model.stream(QUESTION, max_tokens=100))) == REPLY

    def test_a_second_question_waits_for_the_first_answer(self, model: ChatModel) -> None:
        first = model.stream(QUESTION, max_tokens=100)
        begun = next(first)
        answers: list[str] = []
        second = threading.Thread(target=lambda: answers.append(text_of(list(model.stream(QUESTION, max_tokens=100)))))
        second.start()

        assert text_of([begun, *first]) == REPLY
        second.join(30)
        assert answers == [REPLY]

    def test_a_prompt_that_does_not_fit_is_refused(self, model: ChatModel) -> None:
        with pytest.raises(InvalidRequest, match="tokens"):
            list(model.stream([Message("user", "word " * model.context_tokens)], max_tokens=10))

    def test_a_question_without_messages_is_refused(self, model: ChatModel) -> None:
        with pytest.raises(InvalidRequest):
            list(model.stream([], max_tokens=10))

    def test_tokens_of_texts_are_counted(self, model: ChatModel) -> None:
        none, one, more = model.count_tokens(["", "Kimchi", "Kimchi needs cabbage, salt and time."])

        assert none == 0 < one < more
        assert model.count_tokens([]) == []

    def test_it_can_be_asked_again_after_closing(self, model: ChatModel) -> None:
        model.close()
        model.close()

        assert text_of(list(model.stream(QUESTION, max_tokens=100))) == REPLY

    def test_it_is_loaded_from_its_first_use_until_it_is_closed(self, model: ChatModel) -> None:
        seen = []
        for use in (model.close, lambda: model.count_tokens(["Kimchi"]), model.close):
            use()
            seen.append(model.loaded)

        assert seen == [False, True, False]

    def test_a_speed_is_positive_and_once_known_stays_known(self, model: ChatModel) -> None:
        list(model.stream(QUESTION, max_tokens=5))
        known = model.speed
        model.close()

        assert model.speed == known
        assert known is None or (known.reading > 0 and known.writing > 0)

    def test_it_says_what_it_is(self, model: ChatModel) -> None:
        assert model.name
        assert model.parameters > 0
        assert model.trouble is None
        assert 0 < model.context_tokens <= 2000
