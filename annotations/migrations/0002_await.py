"""What is awaited of some clips is found by look-ups alone: see ``annotations/sql/0002_await.sql``."""

from django.db import migrations

from config import sql


def before() -> str:
    """The one function of ``awaited.sql`` that changes, with its settings."""
    text = sql.statements("annotations", "awaited")
    begins = text.index("CREATE OR REPLACE FUNCTION sightline_await(")
    settings = [line for line in text.splitlines() if line.startswith("ALTER FUNCTION sightline_await(")]
    return "\n".join([text[begins : text.index("$$;", begins) + len("$$;")], *settings])


class Migration(migrations.Migration):
    dependencies = [("annotations", "0001_schema")]

    operations = [migrations.RunSQL(sql.statements("annotations", "0002_await"), before())]
