"""What the lines of files mean: teams, reviewers, skills, limits and absences, each put in by its own verb."""

from workforce.resources.days import Absences, Limits
from workforce.resources.lines import Lines
from workforce.resources.people import Reviewers, Skills, Teams

__all__ = ["Absences", "Limits", "Lines", "Reviewers", "Skills", "Teams"]
