"""The cosines of one note with all others, cheap for whoever asks for all notes one after the other."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from vaultbot.protocols import FloatArray

_AHEAD = 32  #: rows
_GAP = 2  #: rows that may be left out between two that are asked for in order


class Cosines:
    """The products of each row of a matrix with all its rows. Safe to use from several threads.

    Where rows are asked for in their order, the next ones are worked out together: memory is read once for all of them.
    """

    def __init__(self, matrix: FloatArray | sparse.csr_array) -> None:
        self._matrix = matrix
        self._columns = matrix.T if isinstance(matrix, np.ndarray) else sparse.csr_array(matrix.T)
        self._asked = -_GAP - 1  #: the last row
        self._block: tuple[int, FloatArray] = (0, np.zeros((0, matrix.shape[0]), np.float32))

    def of(self, row: int) -> FloatArray:
        """(rows,) the products of this row; not to be written into."""
        first, block = self._block
        if not first <= row < first + len(block):
            in_order, self._asked = 0 < row - self._asked <= _GAP, row
            if not in_order:
                alone: FloatArray = self._products(row, 1)[0]
                return alone
            first, block = row, self._products(row, _AHEAD)
            self._block = first, block
        self._asked = row
        found: FloatArray = block[row - first]
        return found

    def _products(self, row: int, count: int) -> FloatArray:
        if count == 1 and isinstance(self._matrix, np.ndarray):
            alone: FloatArray = (self._matrix @ self._matrix[row])[None]
            return alone
        found = self._matrix[row : row + count] @ self._columns
        products: FloatArray = found if isinstance(found, np.ndarray) else found.toarray()
        return products
