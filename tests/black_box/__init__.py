"""Tests through the public API alone: the net under every change of the inside."""
