"""Tests of single modules; the folders mirror those of the package."""
