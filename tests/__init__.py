"""The suite; its commands (`python -m tests.…`) stand in the Makefile."""
