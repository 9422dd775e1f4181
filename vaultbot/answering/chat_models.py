"""The language models in use: which are there, and which are loaded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vaultbot.protocols import ChatModel

#: Makes the model for a GGUF path; None stands for the settings' own.
LoadModel = Callable[[Path | None], ChatModel | None]


@dataclass(slots=True)
class _Loaded:
    """A model and how many questions are using it."""

    model: ChatModel
    users: int = 0


class ChatModels:
    """Hands out models. The last one used stays loaded. Safe to use from several threads."""

    def __init__(self, load: LoadModel) -> None:
        self._load = load
        self._models: dict[Path | None, _Loaded] = {}
        self._lock = threading.Lock()

    def own(self) -> ChatModel | None:
        """The settings' own, to look at; None when they want none. Raises ModelMissing, ModelInvalid."""
        with self._lock:
            loaded = self._loaded(None)
        return loaded.model if loaded else None

    @contextmanager
    def using(self, path: Path | None) -> Iterator[ChatModel | None]:
        """The model of that path for as long as the block runs; None when the settings want none.

        Others are unloaded as soon as nobody uses them. Raises ModelMissing, ModelInvalid.
        """
        with self._lock:
            loaded = self._loaded(path)
            if loaded is not None:
                loaded.users += 1
                for other in self._models.values():
                    if other is not loaded and not other.users:
                        other.model.close()
        with self._until_done(loaded) as model:
            yield model

    @contextmanager
    def idle(self) -> Iterator[ChatModel | None]:
        """The settings' own model if it is loaded and nobody uses it, for as long as the block runs."""
        with self._lock:
            loaded = self._models.get(None)
            if loaded is not None and (loaded.users or not loaded.model.loaded):
                loaded = None
            if loaded is not None:
                loaded.users += 1
        with self._until_done(loaded) as model:
            yield model

    def close(self) -> None:
        """End the models' processes."""
        with self._lock:
            for loaded in self._models.values():
                loaded.model.close()
            self._models.clear()

    @contextmanager
    def _until_done(self, loaded: _Loaded | None) -> Iterator[ChatModel | None]:
        try:
            yield loaded.model if loaded else None
        finally:
            if loaded is not None:
                with self._lock:
                    loaded.users -= 1

    def _loaded(self, path: Path | None) -> _Loaded | None:
        if path not in self._models:
            model = self._load(path)
            if model is None:
                return None
            self._models[path] = _Loaded(model)
        return self._models[path]
