"""Tests of the console have a browser."""

from tests.browser import browser, desk

__all__ = ["browser", "desk"]
