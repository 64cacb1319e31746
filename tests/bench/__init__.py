"""The bench: ``python -m tests.bench`` (``make bench``) prints what the package costs, and against what."""
