"""The work in the admin."""

from annotations.admin import answers, cases, clips, consents, exports, plans, projects, requests, tasks, time

__all__ = ["answers", "cases", "clips", "consents", "exports", "plans", "projects", "requests", "tasks", "time"]
