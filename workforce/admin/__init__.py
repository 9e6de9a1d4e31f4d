"""The people in the admin."""

from workforce.admin import calendars, people

__all__ = ["calendars", "people"]
