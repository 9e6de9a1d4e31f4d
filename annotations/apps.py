from django.apps import AppConfig
from django.core.checks import Tags, register
from django.db.models.signals import post_migrate


class AnnotationsConfig(AppConfig):
    name = "annotations"
    verbose_name = "Work"

    def ready(self) -> None:
        from annotations import forgetting, scopes  # noqa: F401 -- the latter says who may find which rows
        from clips import purging, retention
        from clips.storage import set_up
        from config.names import name_tables
        from config.roles import ensure_roles  # models are not loaded before this
        from config.sql import no_way_on
        from config.words import name_fields

        # The highest room: all tables are there.
        name_tables()
        name_fields()
        purging.FORGETTERS["work"] = forgetting.blank_notes
        retention.USES.append(forgetting.last_leased)
        register(no_way_on, Tags.database)
        # The highest room: when its migrations are done, every permission that a role names exists.
        post_migrate.connect(ensure_roles, sender=self, dispatch_uid="ensure_roles")
        post_migrate.connect(set_up, sender=self, dispatch_uid="set_up_storages")
