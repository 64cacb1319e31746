"""Settings of the whole suite."""

from __future__ import annotations

from hypothesis import settings

# Time says nothing about right or wrong, and a shared machine pauses now and then.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")
