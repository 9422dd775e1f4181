"""PDF files, made by hand: a page is lines of text, in a font of which a reader knows nothing but what it means."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

_FONT = b"""<< /Type /Font /Subtype /Type0 /BaseFont /Made /Encoding /Identity-H
/DescendantFonts [4 0 R] /ToUnicode 5 0 R >>"""
_LETTERS = b"""<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Made /CIDToGIDMap /Identity /DW 500 /W [%s]
/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>
/FontDescriptor << /Type /FontDescriptor /FontName /Made /Flags 4 /ItalicAngle 0 /Ascent 800 /Descent -200
/CapHeight 700 /StemV 80 /FontBBox [0 -200 1000 800] >> >>"""
_PAGE = b"""<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F 3 0 R >> >>
/Contents %d 0 R >>"""
_LOCK = b" /Encrypt << /Filter /Standard /V 1 /R 2 /Length 40 /P -4 /O <%s> /U <%s> >> /ID [<00> <00>]"
_MEANINGS = b"""/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Made def /CMapType 2 def
1 begincodespacerange <0000> <ffff> endcodespacerange
%s
endcmap end end"""


def make_pdf(*pages: str, protected: bool = False) -> bytes:
    """A PDF whose pages hold these lines. No password that anybody knows opens a protected one."""
    return _file(_objects(pages), _LOCK % (b"5a" * 32, b"a5" * 32) if protected else b"")


def make_swelling_pdf(size: int) -> bytes:
    """A small PDF whose only page is this many bytes of blanks, or some more, once it is unpacked."""
    blanks = zlib.compressobj(9)
    first, next_ones = (blanks.compress(b" " * 10**7) + blanks.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    packed = zlib.compress(first + next_ones * (size // 10**7), 9)
    return _file([*_objects(("x",))[:-1], _stream(packed, b" /Filter [/FlateDecode /FlateDecode]")], b"")


def _objects(pages: Sequence[str]) -> list[bytes]:
    letters = {letter: code for code, letter in enumerate(sorted(set("".join(pages))), 1)}
    kids = b" ".join(b"%d 0 R" % (6 + 2 * number) for number in range(len(pages)))
    wide = b" ".join(b"%d [1000]" % code for letter, code in letters.items() if letter > "\u2e7f")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(pages), kids),
        _FONT,
        _LETTERS % wide,
        _stream(_MEANINGS % _meanings(letters)),
    ]
    for number, page in enumerate(pages):
        objects += [_PAGE % (7 + 2 * number), _stream(_drawn(page.split("\n"), letters))]
    return objects


def _meanings(letters: dict[str, int]) -> bytes:
    rows = [b"<%04x> <%s>" % (code, letter.encode("utf-16-be").hex().encode()) for letter, code in letters.items()]
    parts = [rows[start : start + 100] for start in range(0, len(rows), 100)]
    return b"\n".join(b"%d beginbfchar\n%s\nendbfchar" % (len(part), b"\n".join(part)) for part in parts)


def _drawn(lines: Sequence[str], letters: dict[str, int]) -> bytes:
    rows = [b"<%s> Tj 0 -14 Td" % b"".join(b"%04x" % letters[letter] for letter in line) for line in lines]
    return b"BT /F 10 Tf 50 800 Td\n%s\nET" % b"\n".join(rows)


def _stream(data: bytes, more: bytes = b"") -> bytes:
    return b"<< /Length %d%s >>\nstream\n%s\nendstream" % (len(data), more, data)


def _file(objects: Sequence[bytes], more: bytes) -> bytes:
    written = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(written)
    written += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    written += b"".join(b"%010d 00000 n \n" % place for place in places)
    written += b"trailer << /Size %d /Root 1 0 R%s >>\nstartxref\n" % (len(objects) + 1, more)
    return bytes(written + b"%d\n%%%%EOF\n" % start)
