"""The people in the admin."""

from workforce.admin import calendars, people, staff

__all__ = ["calendars", "people", "staff"]
