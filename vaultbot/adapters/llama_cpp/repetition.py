"""Notices when a model goes in circles, as the smallest ones do."""

from __future__ import annotations

_LONGEST = 64  # tokens of a circle; a longer one meets the answer's end first
_TIMES = 3
_LEAST = 24  # tokens said again before it counts: a rule of dashes or a table's row is no circle


class Repetition:
    """Looks at each token as it comes; each costs the same, however many came before."""

    def __init__(self) -> None:
        self._said: list[int] = []  # the last ones, as many as the longest circle
        self._again = [0] * (_LONGEST + 1)  # of each length: how many tokens in a row were said so long before

    def repeats(self, token: int) -> bool:
        """Whether with this token the same words came three times in a row."""
        said, again, circles = self._said, self._again, False
        for length in range(1, len(said) + 1):
            if said[-length] == token:
                again[length] += 1
                circles = circles or again[length] >= max(_LEAST, (_TIMES - 1) * length)
            else:
                again[length] = 0
        said.append(token)
        if len(said) > _LONGEST:
            del said[0]
        return circles
