"""The index as doctor finds it when no daemon runs: looked at in copies, so that nothing of it is changed."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from vaultbot.adapters.chroma import ChromaVectorIndex, why_unsealed
from vaultbot.config import Config
from vaultbot.doctor.check import Check
from vaultbot.doctor.index import edits, index, unopened
from vaultbot.doctor.vault import FINDINGS
from vaultbot.errors import VaultbotError
from vaultbot.index.graph import Graph
from vaultbot.index.health import CatalogFacts, IndexFacts, VectorFacts, copied, look_at_catalog, look_at_vectors
from vaultbot.index.reader import CatalogReader
from vaultbot.index.schema import SCHEMA_VERSION
from vaultbot.links.lint import lint
from vaultbot.paths import COPY_PREFIX, StatePaths
from vaultbot.states import clear_up
from vaultbot.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Found:
    """What was looked at, and what lint finds in the vault by it."""

    checks: tuple[Check, ...]
    findings: tuple[Mapping[str, Any], ...] = ()


def look(config: Config, vault: Vault, state: StatePaths) -> Found:
    """Look at the index. For the holder of the lock."""
    clear_up(state)
    if not state.catalog.exists():
        return Found((Check("catalog", "ok", "there is none yet; the first start reads the vault"),))
    try:
        with copied(state.catalog) as copy:
            facts = look_at_catalog(copy, suspect=state.suspect.exists())
            if facts.damage is not None or facts.schema != SCHEMA_VERSION:
                return Found(tuple(index(IndexFacts(facts))))
            findings = lint(Graph(CatalogReader(copy)), vault.settings(), kinds=FINDINGS)
            checks = _with_vectors(config, state, facts, copy)
    except OSError as error:
        step = "free some space on the disk; a copy of the catalog is looked at, not the file itself"
        return Found((Check("catalog", "problem", f"it cannot be looked at: {error.strerror or error}", step),))
    return Found(tuple(checks), tuple(asdict(one) for one in findings))


def _with_vectors(config: Config, state: StatePaths, facts: CatalogFacts, copy: Path) -> list[Check]:
    if facts.fingerprint is None:
        return list(index(IndexFacts(facts)))
    checks = list(index(IndexFacts(facts)))
    if config.index.chroma_url:
        told = Check("vectors", "ok", "on a server, where they are compared with the catalog at each start")
    elif not state.vectors.exists():
        told = unopened("there are none")
    elif reason := why_unsealed(state.vectors, fingerprint=facts.fingerprint):
        told = unopened(reason)
    else:
        return list(index(IndexFacts(facts, _vector_facts(state.vectors, facts.fingerprint, copy))))
    return [*checks[:-1], told, checks[-1]]


def _vector_facts(folder: Path, fingerprint: str, catalog: Path) -> VectorFacts:
    """A copy of the folder is opened: Chroma writes into its files when it only reads."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=COPY_PREFIX, ignore_cleanup_errors=True) as place:
        copy = Path(place) / "vectors"
        shutil.copytree(folder, copy)
        try:
            vectors = ChromaVectorIndex(copy, fingerprint=fingerprint)
            with closing(sqlite3.connect(catalog)) as db:
                found = look_at_vectors(db, vectors, fingerprint)
            vectors.close()
        except VaultbotError as error:
            return VectorFacts(failure=str(error))
    return found


def look_at_edits(state: StatePaths) -> Check | None:
    """Edits that are not finished, by the journal, which is only read; None when nothing was ever written."""
    journal = state.edits / "journal.db"
    if not journal.exists():
        return None
    try:
        with closing(sqlite3.connect(f"file:{quote(str(journal))}?mode=ro", uri=True, timeout=5)) as db:
            rows = db.execute(
                "SELECT note, state FROM entry WHERE state IN ('planned', 'undoing', 'unclear')"
            ).fetchall()
    except sqlite3.Error as error:
        step = "vaultbot stop, vaultbot start; a damaged journal is kept beside the new one"
        return Check("edits", "problem", f"the journal cannot be read: {error}", step)
    open_ones: Sequence[str] = [note for note, what in rows if what != "unclear"]
    return edits(open_ones, [note for note, what in rows if what == "unclear"], state.edits / "copies")
