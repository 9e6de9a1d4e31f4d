"""The work in the admin."""

from annotations.admin import answers, cases, clips, exports, projects, tasks

__all__ = ["answers", "cases", "clips", "exports", "projects", "tasks"]
