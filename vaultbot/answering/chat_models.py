"""The language models in use: which are there, which are loaded, and for how long."""

from __future__ import annotations

import math
import threading
import time
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
    used: float = 0.0  #: when somebody last used it, by the clock


class ChatModels:
    """Hands out models. The last one used stays loaded for a while. Safe to use from several threads."""

    def __init__(
        self, load: LoadModel, *, idle_s: float = math.inf, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`idle_s`: how long a model stays loaded that nobody uses."""
        self._load = load
        self._idle_s = idle_s
        self._clock = clock
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

    def unload_idle(self) -> list[str]:
        """End the processes of models that nobody has used for long; the next use starts them again. Their names."""
        with self._lock:
            over = self._clock() - self._idle_s
            idle = [one for one in self._models.values() if not one.users and one.used <= over and one.model.loaded]
            for loaded in idle:
                loaded.model.close()
        return [loaded.model.name for loaded in idle]

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
                    loaded.used = self._clock()

    def _loaded(self, path: Path | None) -> _Loaded | None:
        if path not in self._models:
            model = self._load(path)
            if model is None:
                return None
            self._models[path] = _Loaded(model)
        return self._models[path]
