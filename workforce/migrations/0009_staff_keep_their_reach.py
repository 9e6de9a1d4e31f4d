"""Who worked here before scopes were, keeps reaching everything until somebody says otherwise."""

from django.db import migrations

GIVE = """
INSERT INTO workforce_staffscope (user_id, everywhere)
SELECT id, true FROM auth_user WHERE is_staff AND NOT is_superuser
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [("workforce", "0008_staff_scopes")]

    operations = [migrations.RunSQL(GIVE, migrations.RunSQL.noop)]
