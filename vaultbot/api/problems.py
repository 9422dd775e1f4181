"""A failure as a problem document (RFC 9457): no trace, and nothing of what the caller sent.

A log line names the kind of an unforeseen error and where it happened. Its message stays out: it may quote a
note.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from vaultbot.errors import VaultbotError, kind_and_place

_log = logging.getLogger("vaultbot.api")


class Refused(Exception):
    """The guard's "no": what is wrong and what to do instead. The app never sees the request."""

    def __init__(
        self, status: int, slug: str, title: str, detail: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(slug)
        self.status = status
        self.slug = slug
        self.title = title
        self.detail = detail
        self.headers = dict(headers or {})


def problem(status: int, slug: str, title: str, detail: str, instance: str) -> dict[str, object]:
    """A problem document; `instance` is the id of the request, as in the log."""
    return {
        "type": f"/problems/{slug}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": instance,
    }


def problem_of(error: Exception, instance: str) -> dict[str, object]:
    """The problem that an error is to the caller: "internal" for one that nobody foresaw, which is logged."""
    if isinstance(error, VaultbotError):
        return problem(error.status, error.slug, error.title, str(error), instance)
    log_unforeseen(error, instance)
    detail = f"An error inside vaultbot. Its log says more, beside the request {instance}."
    return problem(VaultbotError.status, VaultbotError.slug, VaultbotError.title, detail, instance)


def log_unforeseen(error: Exception, instance: str) -> None:
    """Log where the error happened, innermost call last."""
    _log.error("request %s failed: %s", instance, kind_and_place(error))
