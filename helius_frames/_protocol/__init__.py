"""Bytes of the wire to pages and back: pure functions, no I/O."""
