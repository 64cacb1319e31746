"""The one account of a pull: what was asked, how far it is, and what is known of it as metadata."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from helius_frames._progress import PullProgress
from helius_frames._version import __version__

if TYPE_CHECKING:
    from helius_frames._options import PullConfig
    from helius_frames._pull.rows import Rows
    from helius_frames.errors import HeliusError


class PullStats:
    """Written by the scheduler and, in ``progress``, by the client; read by displays and attrs."""

    def __init__(self, config: PullConfig) -> None:
        self.subjects = config.subjects
        self.progress = PullProgress(
            owners=len(config.owners or ()), mints=len(config.mints) if config.kind == "holders" else 0
        )
        self.repeats = 0
        self.finished: set[int] = set()
        self.method = ""
        self._config = config
        self._failures: dict[int, HeliusError] = {}
        self._unstable: list[int] = []
        self._slots: tuple[int, int] | None = None

    def add_rows(self, rows: Rows) -> None:
        """Count rows that arrived, and the slots of their pages."""
        self.progress.rows += len(rows)
        self.repeats += rows.repeats
        if rows.slot_range is not None:
            low, high = self._slots or rows.slot_range
            self._slots = min(low, rows.slot_range[0]), max(high, rows.slot_range[1])

    def finish(self, index: int, *, is_stable: bool) -> None:
        """Note that an owner is read to the end."""
        self.finished.add(index)
        self.progress.done += 1
        if not is_stable:
            self._unstable.append(index)

    def fail(self, index: int, error: HeliusError) -> None:
        """Note that an owner failed."""
        self._failures[index] = error
        self.progress.failed += 1

    def left(self) -> tuple[str, ...]:
        """Owners (or mints) that are not finished, in the order asked."""
        return tuple(subject for index, subject in enumerate(self.subjects) if index not in self.finished)

    def failures(self) -> str:
        """Owners (or mints) that failed, as JSON: owner (or mint), page, kind, message."""
        failures = (
            {
                self._config.subject: self.subjects[n],
                "page": error.page,
                "kind": error.kind,
                "message": error.reason,
            }
            for n, error in sorted(self._failures.items())
        )
        return json.dumps(list(failures))

    def attrs(self) -> dict[str, Any]:
        """Return what ``df.attrs["helius"]`` holds: flat, JSON-able and without secrets."""
        config, progress = self._config, self.progress
        endpoint = config.endpoint
        low, high = self._slots or (None, None)
        attrs: dict[str, Any] = (
            {"endpoint": endpoint.label} if endpoint.cluster is None else {"cluster": endpoint.cluster}
        )
        attrs["method"] = self.method
        if config.kind == "holders":
            attrs |= self._about_holders()
        elif config.mints:
            attrs["mints"] = list(config.mints)
        if config.drop_zero:
            attrs["drop_zero"] = True
        if config.consistency == "stable":
            attrs["unstable"] = json.dumps([self.subjects[index] for index in sorted(self._unstable)])
        return attrs | {
            "slot_min": low,
            "slot_max": high,
            "pages": progress.pages,
            "requests": progress.requests,
            "retries": progress.retries,
            **({} if config.owners is None else {"owners": progress.owners}),
            "failed": progress.failed,
            "failures": self.failures(),
            "fetched_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "version": __version__,
        }

    def _about_holders(self) -> dict[str, Any]:
        """Return what tells "holds none" from "not read": which mints were read, and whether all of each."""
        config = self._config
        about: dict[str, Any] = {
            "mints": [self.subjects[index] for index in sorted(self.finished)],
            "complete": config.owners is None and config.top is None and not config.min_balance,
        }
        if config.top is not None:
            about["top"] = config.top
        if config.min_balance:
            about["min_balance"] = config.min_balance
        if not config.is_streaming:  # rows that went out are not remembered, so nor are repeats known
            about["repeats"] = self.repeats
        return about
