"""The people: who they are, when they work, and what each may do on one local day."""

from workforce.models.calendars import (
    Absence,
    CalendarVersion,
    Closure,
    OwnHours,
    Shift,
    Weekday,
    WorkedHoliday,
    WorkingHours,
)
from workforce.models.people import (
    Clearance,
    DailyLimit,
    LimitLevel,
    QuotaDay,
    Region,
    ResidencyBasis,
    Reviewer,
    SignInTries,
    Team,
    check_region_code,
    new_pseudonym,
)
from workforce.models.skills import Skill, SkillSource
from workforce.models.staff import FactorHeld, RoleHeld, Staff, StaffScope

__all__ = [
    "Absence",
    "CalendarVersion",
    "Clearance",
    "Closure",
    "DailyLimit",
    "FactorHeld",
    "LimitLevel",
    "OwnHours",
    "QuotaDay",
    "Region",
    "ResidencyBasis",
    "Reviewer",
    "RoleHeld",
    "Shift",
    "SignInTries",
    "Skill",
    "SkillSource",
    "Staff",
    "StaffScope",
    "Team",
    "Weekday",
    "WorkedHoliday",
    "WorkingHours",
    "check_region_code",
    "new_pseudonym",
]
