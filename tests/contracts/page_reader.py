"""What every PageReader does. Subclass it in a test file and give it the fixtures `reader` and `written`."""

from __future__ import annotations

from collections.abc import Callable

from vaultbot.protocols import PageReader, Pages

#: A PDF with these pages, as this reader likes it.
Written = Callable[..., bytes]


class PageReaderContract:
    def test_pages_come_in_order_with_their_lines(self, reader: PageReader, written: Written) -> None:
        found = reader.pages(written("Kimchi is cabbage,\nsalt and time.", "Two", "Three"))

        assert found == Pages(("Kimchi is cabbage,\nsalt and time.", "Two", "Three"))

    def test_a_page_without_text_keeps_its_place(self, reader: PageReader, written: Written) -> None:
        assert reader.pages(written("One", "", "Three")).texts == ("One", "", "Three")

    def test_any_script_is_read(self, reader: PageReader, written: Written) -> None:
        pages = ("量子化は便利だ。", "堆肥是有机物", "Ünïcödé 𝑥² 🙂")

        assert reader.pages(written(*pages)).texts == pages

    def test_what_is_no_pdf_is_told_with_what_to_do(self, reader: PageReader, written: Written) -> None:
        for data in (b"", b"garbage", bytes(2000)):
            found = reader.pages(data)
            assert found.texts == ()
            assert found.problem
            assert "; " in found.problem

    def test_the_same_file_has_the_same_pages(self, reader: PageReader, written: Written) -> None:
        assert reader.pages(written("a", "b")) == reader.pages(written("a", "b"))
