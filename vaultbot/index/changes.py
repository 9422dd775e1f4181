"""What has changed in the vault since it was last read, told from file stamps alone."""

from __future__ import annotations

from dataclasses import dataclass

from vaultbot.index.catalog import Recorded
from vaultbot.vault.documents import is_pdf
from vaultbot.vault.listing import Listing


@dataclass(slots=True)
class Changes:
    """What a scan says is to be done, before anything was read."""

    to_read: list[str]
    missing: dict[str, Recorded]  #: gone, or renamed
    left_out: list[str]  #: still there, and excluded now
    unchanged: int

    def put_off(self, listing: Listing, recorded: dict[str, Recorded]) -> None:
        """Leave out what is to be read once more and has not changed: it would not turn out otherwise."""
        reread = [path for path in self.to_read if path in recorded and not recorded[path].hash]
        off = {
            path
            for path in reread
            if recorded[path].stamp == listing.notes[path]
            and recorded[path].kept_out == listing.unsearched.get(path, "")
        }
        self.to_read = [path for path in self.to_read if path not in off]
        self.unchanged += len(off)


def newly_kept_out(listing: Listing, recorded: dict[str, Recorded]) -> dict[str, str]:
    """The notes that could be found and may not be any more, with the reason: told by their paths, before a read."""
    return {
        path: why for path, why in listing.unsearched.items() if (known := recorded.get(path)) and not known.kept_out
    }


def compare(listing: Listing, recorded: dict[str, Recorded], *, thorough: bool = False) -> Changes:
    """The vault as it is against what the catalog knows.

    A note whose folder could not be listed is neither changed nor missing. A `thorough` comparison has every note read
    whatever its stamp says; PDFs, which may be large and are seldom edited, are left out of that.
    """
    to_read = [
        path
        for path, stamp in sorted(listing.notes.items())
        if (known := recorded.get(path)) is None
        or known.stamp != stamp
        or not known.hash
        or known.kept_out != listing.unsearched.get(path, "")
        or (thorough and not is_pdf(path))
    ]
    excluded = set(listing.files)
    return Changes(
        to_read=to_read,
        missing={path: recorded[path] for path in recorded if path not in excluded and listing.is_gone(path)},
        left_out=[path for path in recorded if path in excluded],
        unchanged=len(listing.notes) - len(to_read),
    )
