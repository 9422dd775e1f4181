"""Languages as the lists of models have them."""

from __future__ import annotations

#: What languages are called here and in the lists of models.
CODES = {"English": "en", "Japanese": "ja", "Chinese": "zh"}
WORTH_A_MODEL = 0.05  #: share of the notes
