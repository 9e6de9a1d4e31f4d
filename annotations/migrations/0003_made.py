"""What is awaited of clips that were made tasks goes by look-ups alone: see ``annotations/sql/0003_made.sql``."""

from django.db import migrations

from config import sql


def before() -> str:
    """The one function of ``awaited.sql`` that changes, with its settings."""
    text = sql.statements("annotations", "awaited")
    begins = text.index("CREATE OR REPLACE FUNCTION sightline_task_made(")
    settings = [line for line in text.splitlines() if line.startswith("ALTER FUNCTION sightline_task_made(")]
    return "\n".join([text[begins : text.index("$$;", begins) + len("$$;")], *settings])


class Migration(migrations.Migration):
    dependencies = [("annotations", "0002_await")]

    operations = [migrations.RunSQL(sql.statements("annotations", "0003_made"), before())]
