"""Files of teams, of the people in them, and of what those can."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from workforce import people, skills
from workforce.models import Clearance, Region, Reviewer, Skill, SkillSource, Team
from workforce.resources.lines import Line, Lines, Outcome, column, differing, instant, minute, new, number, words


class Teams(Lines):
    """Teams: opened in a region."""

    required = ("name", "region")
    name, region_code = column("name"), column("region__code", "region")
    zone, weight = column("time_zone"), column("weight")

    def put(self, said: Line) -> Outcome:
        region, weight = self.region(said["region"]), number(said, "weight", least=1, most=1000)
        zone = said.get("time_zone") or region.time_zone
        found = self.known_teams.get(said["name"])
        if found is not None:
            return self.change(found, region, weight or found.weight, said)
        made = people.open_team(region, name=said["name"], time_zone=zone, weight=weight or 1)
        self.known_teams[made.name] = made
        return Outcome(made, new(said | {"time_zone": zone, "weight": str(made.weight)}))

    def change(self, team: Team, region: Region, weight: int, said: Line) -> Outcome:
        """Its share of work; what its lanes and its people's days were made by is fixed."""
        if team.region_id != region.pk or said.get("time_zone", "") not in {"", team.time_zone}:
            raise ValidationError(
                _("%(team)s is in %(region)s, %(zone)s. Where a team is cannot be changed: open another.")
                % {"team": team, "region": team.region.code, "zone": team.time_zone}
            )
        before, after = team.weight, weight
        if before == after:
            return Outcome(team, {})
        self.check_may_change(team)
        people.change_team(team, weight=after, by=self.author, reason=self.reason)
        team.weight = after
        return Outcome(team, {"weight": (str(before), str(after))}, changed=team)


class Reviewers(Lines):
    """People who are taken on. A file has no passwords: an administrator sets one, or they sign in elsewhere."""

    required = ("username", "team", "country")
    username, first_name = column("user__username", "username"), column("user__first_name", "first_name")
    last_name, team_name = column("user__last_name", "last_name"), column("team__name", "team")
    country, languages = column("country"), column("languages")
    can, clearance = column("skills"), column("clearance")

    def dehydrate_languages(self, person: Reviewer) -> str:
        return ", ".join(person.languages)

    def dehydrate_can(self, person: Reviewer) -> str:
        return ", ".join(sorted(person.skills))

    def put(self, said: Line) -> Outcome:
        team, clearance = self.team(said["team"]), number(said, "clearance", most=max(Clearance.values))
        languages, can = words(said, "languages"), words(said, "skills")
        found = self.known_people.get(said["username"])
        if found is not None:
            return self.change(found, team, clearance, said)
        if can and not self.author.has_perm("workforce.add_skill"):
            raise ValidationError({"skills": _("Skills are not yours to give. Leave them out.")})
        try:
            User._meta.get_field("username").run_validators(said["username"])
        except ValidationError as error:
            raise ValidationError({"username": error}) from None
        if User.objects.filter(username=said["username"]).exists():
            raise ValidationError({"username": _("This sign-in is taken.")})
        made = people.take_on_reviewer(
            team,
            username=said["username"],
            password=None,
            country=said["country"],
            first_name=said.get("first_name", ""),
            last_name=said.get("last_name", ""),
            skills=can,
            languages=languages,
            clearance=clearance or Clearance.ORDINARY,
        )
        self.known_people[said["username"]] = made
        return Outcome(made, new(said))

    def change(self, who: Reviewer, team: Team, clearance: int | None, said: Line) -> Outcome:
        """Who somebody is and what they can, as the line says; a sign-in stays whose it is."""
        was = {
            "first_name": who.user.first_name,
            "last_name": who.user.last_name,
            "team": who.team.name,
            "country": who.country,
            "languages": ", ".join(who.languages),
            "skills": ", ".join(sorted(who.skills)),
            "clearance": str(who.clearance),
        }
        now = was | {name: said[name] for name in ("first_name", "last_name", "team", "country") if name in said}
        now["clearance"] = str(who.clearance if clearance is None else clearance)
        if "languages" in said:
            now["languages"] = ", ".join(words(said, "languages"))
        if "skills" in said:
            now["skills"] = ", ".join(sorted(words(said, "skills")))
        columns = differing(said, was, now)
        if not columns:
            return Outcome(who, {})
        if not who.is_active:
            raise ValidationError({"username": _("This person no longer works here, and stays as they are.")})
        self.check_may_change(who)
        if columns.keys() - {"skills"}:
            people.change_reviewer(
                who,
                team=team,
                country=now["country"],
                languages=words(now, "languages"),
                clearance=int(now["clearance"]),
                first_name=now["first_name"],
                last_name=now["last_name"],
                by=self.author,
                reason=self.reason,
            )
        if "skills" in columns:
            self.change_skills(who, set(words(was, "skills")), set(words(now, "skills")))
        # Another line about them is held against what they are now.
        self.known_people[said["username"]] = Reviewer.objects.select_related("user", "team").get(pk=who.pk)
        return Outcome(who, columns, changed=who)

    def change_skills(self, who: Reviewer, was: set[str], now: set[str]) -> None:
        """Give what they lack and take away what is no longer named, from whatever source it came."""
        needs = {"workforce.add_skill"} if now - was else set()
        needs |= {"workforce.change_skill"} if was - now else set()
        if not self.author.has_perms(needs):
            raise ValidationError({"skills": _("Skills are not yours to give or to take. Leave them as they are.")})
        for name in sorted(now - was):
            skills.give(who, name, by=self.author)
        for row in Skill.objects.filter(reviewer=who, name__in=was - now, cancelled_at=None).order_by("pk"):
            skills.take_away(row, by=self.author, reason=self.reason, at=self.now)


class Skills(Lines):
    """Skills that people are given."""

    required = ("username", "name")
    username, name = column("reviewer__user__username", "username"), column("name")
    source, value, expires_at = column("source"), column("value"), column("expires_at")

    def dehydrate_expires_at(self, skill: Skill) -> str:
        return minute(skill.expires_at)

    def filter_export(self, queryset: Any, **kwargs: Any) -> Any:
        return queryset.filter(cancelled_at=None).select_related("reviewer__user")

    def put(self, said: Line) -> Outcome:
        who, value, until = self.known_people.get(said["username"]), number(said, "value", most=100), None
        until, source = instant(said, "expires_at"), said.get("source") or SkillSource.STATED.value
        found = Skill.objects.filter(reviewer=who, name=said["name"], source=source, cancelled_at=None).first()
        if found is not None and who is not None:
            found.reviewer = who
            return self.change(found, value, until, said)
        who = self.person(said)
        made = skills.give(who, said["name"], source=source, value=value, expires_at=until, by=self.author)
        return Outcome(made, new(said | {"source": source}))

    def change(self, skill: Skill, value: int | None, until: datetime | None, said: Line) -> Outcome:
        """How well, and until when."""
        was = {"value": "" if skill.value is None else str(skill.value), "expires_at": minute(skill.expires_at)}
        now = {"value": "" if value is None else str(value), "expires_at": minute(until)}
        columns = differing(said, was, now)
        if not columns:
            return Outcome(skill, {})
        self.person(said)
        self.check_may_change(skill)
        changed = skills.change(
            skill,
            value=value if "value" in columns else skill.value,
            expires_at=until if "expires_at" in columns else skill.expires_at,
            by=self.author,
            reason=self.reason,
        )
        if not changed:
            raise ValidationError(_("Somebody has just taken this away. Send the file again."))
        return Outcome(skill, columns, changed=skill)
