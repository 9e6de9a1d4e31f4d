"""What stands already is permitted: asked when the tables of consent events, and their indexes, are there."""

from django.db import migrations

FILL = """
SELECT sightline_permit(o.owner_key, NULL) FROM (SELECT DISTINCT owner_key FROM clips_consentevent) o;
"""


class Migration(migrations.Migration):
    dependencies = [("clips", "0009_faces")]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
