"""Staff say why they must see a clip before they do."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# Why and until when somebody might look stays as it was said; only that they were done earlier is added.
KEPT = """
CREATE FUNCTION sightline_viewing_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a viewing stays as it was opened' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER viewing_is_kept BEFORE DELETE ON clips_viewing
    FOR EACH ROW EXECUTE FUNCTION sightline_viewing_is_kept();
CREATE TRIGGER viewing_is_only_closed BEFORE UPDATE ON clips_viewing
    FOR EACH ROW
    WHEN (OLD.closed_at IS NOT NULL OR NEW.closed_at IS NULL
          OR (NEW.id, NEW.clip_id, NEW.user_id, NEW.purpose, NEW.reason, NEW.opened_at, NEW.ends_at)
             IS DISTINCT FROM (OLD.id, OLD.clip_id, OLD.user_id, OLD.purpose, OLD.reason, OLD.opened_at, OLD.ends_at)
          OR NEW.case_id IS DISTINCT FROM OLD.case_id)
    EXECUTE FUNCTION sightline_viewing_is_kept();
"""
BACK = """
DROP TRIGGER viewing_is_kept ON clips_viewing;
DROP TRIGGER viewing_is_only_closed ON clips_viewing;
DROP FUNCTION sightline_viewing_is_kept();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("clips", "0005_access_log"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Viewing",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("case", "Decide an open case"),
                            ("likeness", "Judge whether two clips are the same"),
                            ("adjudication", "Settle a disputed task"),
                            ("preparation", "Find out why preparation failed"),
                            ("erasure", "Check a request to erase"),
                        ],
                        max_length=16,
                    ),
                ),
                ("reason", models.CharField(max_length=300)),
                ("opened_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                (
                    "closed_at",
                    models.DateTimeField(blank=True, help_text="When the person was done, if they said so.", null=True),
                ),
                (
                    "case",
                    models.ForeignKey(
                        blank=True,
                        help_text="Which case it is for.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="viewings",
                        to="clips.case",
                    ),
                ),
                (
                    "clip",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="viewings", to="clips.clip"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "default_permissions": ("view",),
            },
        ),
        migrations.AddIndex(
            model_name="viewing",
            index=models.Index(fields=["user", "clip", "ends_at"], name="viewing_of_a_person"),
        ),
        migrations.AddConstraint(
            model_name="viewing",
            constraint=models.CheckConstraint(
                condition=models.Q(("purpose__in", ["case", "likeness", "adjudication", "preparation", "erasure"])),
                name="viewing_purpose_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="viewing",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("case__isnull", False), ("purpose", "case")),
                    models.Q(models.Q(("purpose", "case"), _negated=True), ("case", None)),
                    _connector="OR",
                ),
                name="viewing_of_a_case_names_it",
            ),
        ),
        migrations.AddConstraint(
            model_name="viewing",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="viewing_has_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="viewing",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_at__gt", models.F("opened_at"))), name="viewing_ends_later"
            ),
        ),
        migrations.RunSQL(KEPT, BACK),
    ]
