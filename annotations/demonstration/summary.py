"""What the demonstration prints when it is done: what happened, where to look, how to sign in."""

from __future__ import annotations

from django.db.models import Count, Model

from annotations.demonstration import logins, story
from annotations.models import Annotation, Export, ExportState, Lease, Task
from clips.models import Clip


def by_state(model: type[Model]) -> str:
    """Rows of a model by state, as in "8: 8 ready"."""
    counts = model._default_manager.order_by("state").values_list("state").annotate(count=Count("pk"))
    rows = [(str(state), int(count)) for state, count in counts]
    total = sum(count for _state, count in rows)
    return f"{total}" + (": " + ", ".join(f"{count} {state}" for state, count in rows) if rows else "")


def lines(base_url: str) -> list[str]:
    """The summary, line by line."""
    export = Export.objects.filter(state=ExportState.DONE).order_by("-pk").first()
    path = story.export_path()
    found = [
        "",
        "What happened",
        f"  clips        {by_state(Clip)}",
        f"  tasks        {by_state(Task)}",
        f"  leases       {by_state(Lease)}",
        f"  annotations  {Annotation.objects.count()}",
        f"  export       {path if path.is_file() else 'none yet'}" + (f" ({export.lines} labels)" if export else ""),
        f"  engine       {story.engines()}",
        "",
        "Where to look",
        f"  admin        {base_url}/admin/",
        f"  API docs     {base_url}/api/v1/docs",
        f"  health       {base_url}/readyz",
    ]
    people = logins.kept()
    if people:
        width = max(len(login.username) for login in people.values())
        found += ["", f"How to sign in (generated for this folder, kept in {logins.path()})"]
        found += [f"  {login.username:<{width}}  {login.password}  {login.role}" for login in people.values()]
    return [*found, ""]
