"""Limits of the package that no test can wait for, made small."""

from __future__ import annotations

from contextlib import contextmanager
from unittest.mock import patch

from helius_frames import _walk


@contextmanager
def page_limit(pages):
    """Let a walk give up after so many pages within the block."""
    with patch.object(_walk, "PAGES_MAX", pages):
        yield
