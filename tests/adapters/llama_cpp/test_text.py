"""What is shown of the tokens as they come."""

from __future__ import annotations

from vaultbot.adapters.llama_cpp.text import TextStream


def test_a_character_is_shown_when_its_last_byte_came() -> None:
    text = TextStream()

    assert [text.push(b"caf"), text.push(b"\xc3"), text.push(b"\xa9")] == ["caf", "", "é"]


def test_a_broken_character_does_not_hold_up_the_rest() -> None:
    text = TextStream()

    assert text.push(b"\xff\xfe and") == "\ufffd\ufffd and"
    assert text.push(b" so on") == " so on"


def test_half_a_character_at_the_end_becomes_a_mark() -> None:
    text = TextStream()
    text.push(b"caf\xc3")

    assert text.finish() == "\ufffd"


def test_a_stop_string_is_not_shown_though_it_comes_in_parts() -> None:
    text = TextStream(["\nUser:"])

    assert [text.push(b"Yes."), text.push(b"\nUs"), text.push(b"er: and")] == ["Yes.", "", ""]
    assert text.stopped
    assert text.finish() == ""


def test_what_only_looked_like_a_stop_string_is_shown() -> None:
    text = TextStream(["\nUser:"])

    assert [text.push(b"Yes.\nUse"), text.push(b" salt")] == ["Yes.", "\nUse salt"]


def test_the_end_shows_what_was_held_back() -> None:
    text = TextStream(["###"])

    assert text.push(b"Title #") == "Title "
    assert text.finish() == "#"
