"""Tests of the repository itself: documentation, notebooks, Binder."""
