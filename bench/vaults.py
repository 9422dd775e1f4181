"""A vault to measure with: one of your own, or one made from word lists, the same at every run.

python -m bench.vaults FOLDER --notes 5000     make one to keep
"""

from __future__ import annotations

import argparse
import math
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

#: Characters of a note are log-normal in the vaults we looked at: half are shorter than this, one in fifty is six
#: times as long.
_MEDIAN_LENGTH = 1200
_SPREAD = 0.9
_LONGEST = 40_000

_FOLDERS = (
    "Projects Areas/Work Areas/Home Areas/Health Resources/Books Resources/Papers Resources/Howto Archive".split()
)
_TAGS = "idea todo reading garden cooking travel music history science software people question draft evergreen".split()

_ADJECTIVES = """slow quiet early distant careful hollow bright northern rough gentle coastal brittle patient shallow
steep narrow ancient local humid winter spare wooden public private complex linear sparse dense stable random hidden
global partial lazy modern classical regional cultural seasonal ordinary curious useful expensive
simple recent""".split()
_NOUNS = """harbour garden ledger theorem compiler kettle orchard protocol archive violin enzyme glacier recipe notebook
telescope dialect market bridge lantern cathedral server gradient vaccine treaty novel sonata beehive furnace workshop
satellite loom estuary library tariff catalogue marathon syllabus sensor aquifer puppet festival charter meadow index
bicycle budget chapter signal station method interview planet mineral pattern storm vineyard keyboard museum grammar
railway engine canvas census sketch corridor dialogue fungus lecture migration monastery neuron parliament pigment
queue reservoir sediment tapestry thermostat vocabulary warehouse yeast zoning""".split()
_VERBS = """explains follows replaces supports limits repeats describes connects reduces predicts protects contradicts
measures extends outlives resembles shapes absorbs delays reveals simplifies compares rewards resists""".split()
_JOINTS = """because although whenever so|that even|though while before after unless and|yet""".split()
_OPENERS = """In|practice At|first Later More|often|than|not On|reflection For|example In|my|view Last|week""".split()

_JA_NOUNS = """記憶 台所 図書館 言語 季節 散歩 設計 論文 睡眠 会議 旅行 音楽 歴史 実験 習慣
道具 手紙 天気 植物 予算 物語 電車 料理 写真 研究 計画 地図 健康 仕事 問題""".split()
_JA_VERBS = """まとめる 見直す 考える 調べる 比べる 続ける 覚える 試す 記録する 説明する 減らす 共有する""".split()
_ZH_NOUNS = """记忆 厨房 图书馆 语言 季节 散步 设计 论文 睡眠 会议 旅行 音乐 历史 实验 习惯
工具 书信 天气 植物 预算 故事 火车 菜谱 照片 研究 计划 地图 健康 工作 问题""".split()
_ZH_VERBS = """整理 回顾 思考 调查 比较 坚持 记住 尝试 记录 说明 减少 分享""".split()

Sentence = Callable[[random.Random], str]


def make_vault(folder: Path, *, notes: int, seed: int = 1) -> None:
    """Write `notes` notes into the empty `folder`: a tenth in Japanese or Chinese, a tenth of them daily notes."""
    rng = random.Random(seed)
    made = [_named(rng, number) for number in range(notes)]
    titles = {title for _, title, _ in made}
    if len(titles) < notes:
        made = [(place, f"{title} {number}", language) for number, (place, title, language) in enumerate(made)]
    names = [title for _, title, _ in made]
    (folder / ".obsidian").mkdir(parents=True)
    for place, title, sentence in made:
        file = folder / place / f"{title}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_note(rng, title, sentence, names), encoding="utf-8")


@contextmanager
def measured_vault(vault: Path | None, *, notes: int) -> Iterator[Path]:
    """A vault that may be changed, gone afterwards: a copy of the notes of `vault`, or one made of `notes` notes."""
    with TemporaryDirectory(prefix="vaultbot-bench-") as temporary:
        root = Path(temporary).resolve() / (f"{vault.resolve().name} copy" if vault else f"{notes} notes")
        if vault is None:
            make_vault(root, notes=notes)
        else:
            _copy_notes(vault, root)
        yield root


def vault_arguments(description: str | None, *, notes: int = 500) -> argparse.ArgumentParser:
    """The options that say which vault: --vault and --notes."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vault", type=Path, help="a vault of your own; a copy of its notes is used")
    parser.add_argument("--notes", type=int, default=notes, help=f"notes of the vault that is made (default {notes})")
    return parser


def note_files(root: Path) -> list[Path]:
    """The notes of a vault that hidden folders do not hide, in order."""
    return sorted(
        file for file in root.rglob("*.md") if not any(part.startswith(".") for part in file.relative_to(root).parts)
    )


def _copy_notes(vault: Path, root: Path) -> None:
    settings = vault / ".obsidian" / "app.json"
    files = [*note_files(vault), *([settings] if settings.exists() else [])]
    if not files:
        raise SystemExit(f"there are no notes in {vault}; give the folder that you open in Obsidian")
    for file in files:
        copy = root / file.relative_to(vault)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)


# ── what is in a note ──────────────────────────────────────────────────────────────────────────────────────────


def _named(rng: random.Random, number: int) -> tuple[str, str, Sentence]:
    """Folder, title and language of a note."""
    place = rng.choice(_FOLDERS)
    if number % 20 == 0:
        return f"日本語/{place}", f"{rng.choice(_JA_NOUNS)}と{rng.choice(_JA_NOUNS)}{number}", _japanese
    if number % 20 == 10:
        return f"中文/{place}", f"{rng.choice(_ZH_NOUNS)}与{rng.choice(_ZH_NOUNS)}{number}", _chinese
    if number % 10 == 5:
        day = number // 10
        return "Daily", f"{2000 + day // 336}-{day // 28 % 12 + 1:02}-{day % 28 + 1:02}", _english
    title = f"{rng.choice(_ADJECTIVES).capitalize()} {rng.choice(_NOUNS)}"
    return place, f"{title} and {rng.choice(_NOUNS)}", _english


def _note(rng: random.Random, title: str, sentence: Sentence, names: list[str]) -> str:
    length = min(_LONGEST, rng.lognormvariate(math.log(_MEDIAN_LENGTH), _SPREAD))
    if sentence is not _english:
        length /= 2.5  # One character says as much as two or three letters.
    parts = [_frontmatter(rng, title)] if rng.random() < 0.6 else []
    written, since_heading = 0, 0.0
    while written < length:
        if since_heading > rng.uniform(400, 1500):
            parts.append(f"{'#' * rng.choice((2, 2, 3))} {_heading(rng, sentence)}")
            since_heading = 0
        block = _block(rng, sentence, names)
        parts.append(block)
        written += len(block) + 2
        since_heading += len(block)
    return "\n\n".join(parts) + "\n"


def _frontmatter(rng: random.Random, title: str) -> str:
    lines = ["---", f"created: 2026-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"]
    lines.append(f"tags: [{', '.join(rng.sample(_TAGS, rng.randint(1, 3)))}]")
    if rng.random() < 0.3:
        lines.append(f'aliases: ["{title.lower()} notes"]')
    return "\n".join([*lines, "---"])


def _heading(rng: random.Random, sentence: Sentence) -> str:
    if sentence is _english:
        return f"{rng.choice(_ADJECTIVES).capitalize()} {rng.choice(_NOUNS)}"
    return rng.choice(_JA_NOUNS if sentence is _japanese else _ZH_NOUNS)


def _block(rng: random.Random, sentence: Sentence, names: list[str]) -> str:
    kind = rng.random()
    if kind < 0.18:
        return "\n".join(f"- {_linked(rng, sentence, names)}" for _ in range(rng.randint(2, 7)))
    if kind < 0.21:
        rows = (f"| {rng.choice(_NOUNS)} | {rng.randint(1, 900)} |" for _ in range(rng.randint(2, 6)))
        return "\n".join(["| what | how many |", "| --- | --- |", *rows])
    if kind < 0.24:
        return f"```python\n{rng.choice(_NOUNS)} = {rng.choice(_NOUNS)}({rng.randint(1, 99)})\n```"
    if kind < 0.27:
        return f"> [!note]\n> {sentence(rng)}"
    between = " " if sentence is _english else ""
    return between.join(_linked(rng, sentence, names) for _ in range(rng.randint(1, 6)))


def _linked(rng: random.Random, sentence: Sentence, names: list[str]) -> str:
    return f"{sentence(rng)} [[{rng.choice(names)}]]" if rng.random() < 0.12 else sentence(rng)


def _english(rng: random.Random) -> str:
    def clause() -> str:
        return (
            f"the {rng.choice(_ADJECTIVES)} {rng.choice(_NOUNS)} {rng.choice(_VERBS)} "
            f"{rng.choice(('a', 'every', 'the', 'some'))} {rng.choice(_ADJECTIVES)} {rng.choice(_NOUNS)}"
        )

    text = clause()
    if rng.random() < 0.5:
        text += f" {rng.choice(_JOINTS).replace('|', ' ')} {clause()}"
    if rng.random() < 0.3:
        return f"{rng.choice(_OPENERS).replace('|', ' ')}, {text}."
    return f"{text[0].upper()}{text[1:]}."


def _japanese(rng: random.Random) -> str:
    one, other, third = rng.sample(_JA_NOUNS, 3)
    return f"{one}{rng.choice('はもが')}{other}{rng.choice('をにで')}{rng.choice(_JA_VERBS)}ために{third}が要る。"


def _chinese(rng: random.Random) -> str:
    one, other = rng.sample(_ZH_NOUNS, 2)
    return (
        f"{one}{rng.choice(('需要', '可以', '应该'))}{rng.choice(_ZH_VERBS)}{other}，{rng.choice(_ZH_NOUNS)}也是如此。"
    )


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--notes", type=int, default=500)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    make_vault(given.folder, notes=given.notes, seed=given.seed)
