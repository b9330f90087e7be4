"""Fixtures of the tests of the book's extensions."""

import os
import sys

import pytest


@pytest.fixture
def environment(monkeypatch):
    """Undo what ``fresh_execution.prepare`` does to this process."""
    for name in ("NUMBA_CACHE_DIR", "PYTHONPATH"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    monkeypatch.setattr(sys, "path", list(sys.path))
