"""Limits of the package that no test can wait for, made small."""

from __future__ import annotations

from contextlib import contextmanager
from unittest.mock import patch

from helius_frames._pull import key_ranges, owner_walk


@contextmanager
def row_limit(rows):
    """Let a walk give up after so many rows within the block."""
    with patch.object(owner_walk, "ROWS_MAX", rows), patch.object(key_ranges, "ROWS_MAX", rows):
        yield
