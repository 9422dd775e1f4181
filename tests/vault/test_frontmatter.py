"""Properties: what Obsidian reads in them, and what a hostile note cannot do with them."""

from __future__ import annotations

import json

import pytest

from vaultbot.types import JsonValue
from vaultbot.vault.frontmatter import read_frontmatter
from vaultbot.vault.markdown import parse_note


def properties(yaml: str) -> dict[str, JsonValue]:
    front = read_frontmatter(f"---\n{yaml}\n---\n")
    assert front.problems == ()
    return dict(front.properties)


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("---\na: b\n---\nBody", "Body"),
        ("---\r\na: b\r\n---\r\nBody", "Body"),
        ("--- \na: b\n---\t \nBody", "Body"),
        ("---\na: b\n---", ""),
        ("\ufeff---\na: b\n---\nBody", "Body"),
        ('---\n{"a": "b"}\n---\nBody', "Body"),
    ],
)
def test_frontmatter_is_found(text: str, body: str) -> None:
    note = parse_note("Note.md", text)

    assert note.properties == {"a": "b"}
    assert note.text[note.body_start :] == body


@pytest.mark.parametrize("text", ["\n---\ntags: [a]\n---", "---\ntags: [a]", "----\na: b\n----\n", "--- a\n---", "---"])
def test_this_is_no_frontmatter(text: str) -> None:
    note = parse_note("Note.md", text)

    assert (note.properties, note.tags, note.body_start, note.body_line) == ({}, (), 0, 1)


def test_an_empty_block_is_legal() -> None:
    note = parse_note("Note.md", "---\n---\nBody [[x]]")

    assert (note.properties, note.problems, note.body_line, note.links[0].line) == ({}, (), 3, 3)


@pytest.mark.parametrize(
    ("yaml", "value"),
    [
        ("k: 12:30", "12:30"),
        ("k: no", "no"),
        ("k: on", "on"),
        ("k: 2024-01-02", "2024-01-02"),
        ("k: 2024-01-02T10:00:00", "2024-01-02T10:00:00"),
        ("k: 0123", "0123"),
        ("k: 1_000", "1_000"),
        ("k: 12345678901234567890", "12345678901234567890"),
        ("k: true", True),
        ("k: False", False),
        ("k: ~", None),
        ("k:", None),
        ("k: -7", -7),
        ("k: 0x1F", 31),
        ("k: 0o17", 15),
        ("k: 1.5e3", 1500.0),
        ("k: .nan", None),
        ("k: -.inf", None),
        ("k: 1e999", None),
        ('k: "1"', "1"),
        ("k: |\n  a\n  b", "a\nb\n"),
        ("k: [a, 1, [b]]", ["a", 1, ["b"]]),
        ("k:\n  x: {y: z}", {"x": {"y": "z"}}),
        ('{"k": "\\ud83d\\ude80"}', "🚀"),
        ("k: <<", "<<"),
    ],
)
def test_a_value_means_what_yaml_1_2_says(yaml: str, value: JsonValue) -> None:
    assert properties(yaml) == {"k": value}


def test_names_stay_as_written_and_in_order() -> None:
    assert list(properties("b: 1\nno: 2\n2024-01-02: 3\nA: 4")) == ["b", "no", "2024-01-02", "A"]


@pytest.mark.parametrize(
    ("yaml", "reason", "line"),
    [
        ("a: 1\na: 2", "twice", 3),
        ("is: [[a]], [[b]]", "expected", 2),
        ("a: &x 1", "anchors", 2),
        ("a: 1\nb: *x", "anchors", 3),
        ("a: !!python/object/apply:os.system [ls]", "type", 2),
        ("a: {{date}}", "quotes", 2),
        ("a:\n\t- b", "token", 3),
        ("just words", "name: value", 2),
        ("a: \x00", "U+0000", 2),
        ("a: 1\n...\nb: 2", "document", 4),
        ('a: "\\UFFFFFFFF"', "does not exist", None),
        ("%YAML 1." + "9" * 5000, "does not exist", None),
        ("a: " + "x" * 70_000, "64 Ki", None),
        ("a: [" + "b," * 25_000 + "]", "20000 parts", 2),
        ("a: " + "[" * 40_000, "32 deep", 2),
        ("a: " + "{" * 40_000, "name", 2),
        ("- " * 30_000, "32 deep", 2),
        ("a:\n" + "".join(" " * n + "b:\n" for n in range(1, 40)), "32 deep", 34),
    ],
)
def test_what_cannot_be_read_is_told_and_the_body_is_still_found(yaml: str, reason: str, line: int | None) -> None:
    note = parse_note("Note.md", f"---\n{yaml}\n---\nBody [[Only]] #t")
    problem = note.problems[-1]

    assert (problem.slug, problem.line) == ("frontmatter", line)
    assert reason in problem.message
    assert (note.properties, note.aliases) == ({}, ())
    assert [(link.linkpath, link.kind) for link in note.links] == [("Only", "wiki")]
    assert [tag.name for tag in note.tags] == ["t"]
    assert len(problem.message) < 300


def test_a_frontmatter_of_nested_merge_keys_takes_no_time_or_memory() -> None:
    layers = "".join(f"k{n}: &k{n} {{<<: [*k{n - 1}, *k{n - 1}]}}\n" for n in range(1, 30))

    assert read_frontmatter(f"---\nk0: &k0 {{a: 1}}\n{layers}---\n").properties == {}


def test_a_long_name_above_many_links_does_not_fill_the_memory() -> None:
    note = parse_note("Note.md", "---\n? " + "k" * 30_000 + "\n: [" + '"[[a]]", ' * 3_000 + "]\n---\n")

    assert note.problems == ()
    assert sum(len(link.key_path or "") for link in note.links) < 1_000_000


def test_properties_are_json() -> None:
    text = json.dumps(properties("a: [.nan, 2024-01-01, {b: null}]"), allow_nan=False)

    assert text == '{"a": [null, "2024-01-01", {"b": null}]}'


class TestPropertyLinks:
    @pytest.mark.parametrize(
        ("yaml", "key_path", "raw", "linkpath", "display"),
        [
            ('is: "[[Only]]"', "is", "[[Only]]", "Only", None),
            ("is: '[[Only|x]]'", "is", "[[Only|x]]", "Only", "x"),
            ('Is:\n  - "[[Only|x]]"', "Is.0", "[[Only|x]]", "Only", "x"),
            ('is: [plain, "[[Only#H]]"]', "is.1", "[[Only#H]]", "Only", None),
            ('up: "[t](b/Only.md)"', "up", "[t](b/Only.md)", "b/Only.md", "t"),
            ("is: '[[it''s]]'", "is", "[[it''s]]", "it's", None),
            ('{"is": "[[Only]]"}', "is", "[[Only]]", "Only", None),
            ("is: >\n  [[Only]]", "is", "[[Only]]", "Only", None),
        ],
    )
    def test_a_value_that_is_one_link_is_a_typed_edge(
        self, yaml: str, key_path: str, raw: str, linkpath: str, display: str | None
    ) -> None:
        note = parse_note("Note.md", f"---\n{yaml}\n---\n")
        (link,) = note.links

        assert (link.kind, link.key, link.key_path) == ("property", key_path.partition(".")[0], key_path)
        assert (link.raw, link.linkpath, link.display) == (raw, linkpath, display)
        assert note.text[link.start : link.end] == raw
        assert link.line == note.text.count("\n", 0, link.start) + 1

    @pytest.mark.parametrize(
        "yaml",
        [
            'is: "see [[Only]]"',
            'is: "[[a]], [[b]]"',
            'is: "[t](https://a.b)"',
            "date: 2024-01-02",
            'cover: "![[pic.png]]"',
        ],
    )
    def test_other_values_are_no_edges(self, yaml: str) -> None:
        assert parse_note("Note.md", f"---\n{yaml}\n---\n").links == ()

    @pytest.mark.parametrize(
        ("yaml", "key_path"),
        [
            ('a:\n  b: "[[Only]]"', "a.b"),
            ('a: {b: [x, "[[Only]]"]}', "a.b.1"),
            ('a: [["[[Only]]"]]', "a.0.0"),
            ('a:\n  - b: 1\n    c: "[[Only]]"', "a.0.c"),
            ('{"a": {"b": {"c": "[[Only]]"}}}', "a.b.c"),
        ],
    )
    def test_a_link_deep_in_a_property_is_nested(self, yaml: str, key_path: str) -> None:
        note = parse_note("Note.md", f"---\n{yaml}\n---\n")
        (link,) = note.links

        assert (link.nested, link.key, link.key_path, link.linkpath) == (True, "a", key_path, "Only")
        assert note.text[link.start : link.end] == "[[Only]]"

    def test_the_links_of_a_list_are_not_nested(self) -> None:
        note = parse_note("Note.md", '---\nis: ["[[a]]"]\nof: "[[b]]"\n---\n')

        assert [link.nested for link in note.links] == [False, False]

    def test_the_same_link_twice_has_two_places(self) -> None:
        note = parse_note("Note.md", '---\nis:\n  - "[[a]]"\n  - "[[a]]"\n---\n')

        assert [(link.key_path, link.line) for link in note.links] == [("is.0", 3), ("is.1", 4)]

    @pytest.mark.parametrize("yaml", ["is: [[Only]]", "is:\n  - [[Only]]", "is: [[Only|x]]"])
    def test_an_unquoted_link_is_no_edge_and_is_reported(self, yaml: str) -> None:
        note = parse_note("Note.md", f"---\n{yaml}\n---\n")
        (problem,) = note.problems

        assert note.links == ()
        assert problem.slug == "unquoted-link"
        assert '"[[Only' in problem.message
        assert problem.line == 1 + yaml.count("\n") + 1

    def test_the_sample_note_has_its_edges_aliases_and_section(self) -> None:
        text = (
            '---\nis:\n  - "[[note]]"\nof:\n  - "[[technology]]"\n'
            "aliases:\n  - ai\n  - large language model\n---\n"
            "# Notes\n## Quantization\nI rent at [[DigitalOcean Paperspace]].\n"
        )
        note = parse_note("AI notes.md", text)

        assert [(link.key_path, link.linkpath) for link in note.links] == [
            ("is.0", "note"),
            ("of.0", "technology"),
            (None, "DigitalOcean Paperspace"),
        ]
        assert (note.title, note.aliases, note.tags) == ("AI notes", ("ai", "large language model"), ())
        assert note.headings[-1].path == ("Notes", "Quantization")


class TestAliases:
    @pytest.mark.parametrize(
        ("yaml", "aliases"),
        [
            ("aliases: Paris, France", ("Paris, France",)),
            ("aliases:\n- \n- 2024", ("2024",)),
            ("Aliases: [ai, 'b, c', AI, ' ', Note, true]", ("ai", "b, c")),
            ("aliases:\n  a: b", ()),
            ("alias: x", ("x",)),
            ("aliases: [a]\nalias: b", ("a", "b")),
        ],
    )
    def test_a_note_answers_to_its_aliases(self, yaml: str, aliases: tuple[str, ...]) -> None:
        assert parse_note("Note.md", f"---\n{yaml}\n---\n").aliases == aliases

    def test_a_number_should_have_quotes(self) -> None:
        (problem,) = parse_note("Note.md", "---\nx: y\naliases: 2024\n---\n").problems

        assert (problem.slug, problem.line) == ("alias", 3)


class TestTags:
    @pytest.mark.parametrize(
        ("yaml", "names"),
        [
            ('tags: [a, "#b/c", d e, 5]', ["a", "b/c"]),
            ("tags: a b", []),
            ("tags: a, b", []),
            ("TAGS: a", ["a"]),
            ("tags: #a", []),
            ("tags:\n  - a/\n  - 日本語", ["a", "日本語"]),
            ('tags: ["1984"]', []),
            ("tag: a", ["a"]),
        ],
    )
    def test_a_note_has_the_tags_of_its_properties(self, yaml: str, names: list[str]) -> None:
        note = parse_note("Note.md", f"---\n{yaml}\n---\n")

        assert [tag.name for tag in note.tags] == names
        assert all(note.text[tag.start : tag.end] == tag.name and tag.in_frontmatter for tag in note.tags)

    def test_a_tag_with_spaces_is_reported(self) -> None:
        (problem,) = parse_note("Note.md", "---\ntags: a b\n---\n").problems

        assert (problem.slug, problem.line) == ("tag", 2)


@pytest.mark.parametrize(("old", "new"), [("alias", "aliases"), ("Tag", "tags"), ("cssclass", "cssclasses")])
def test_a_property_that_obsidian_no_longer_reads_is_reported(old: str, new: str) -> None:
    (problem,) = parse_note("Note.md", f"---\nx: y\n{old}: z\n---\n").problems

    assert (problem.slug, problem.line) == ("legacy-property", 3)
    assert f'"{new}"' in problem.message
