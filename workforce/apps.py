from django.apps import AppConfig


class WorkforceConfig(AppConfig):
    name = "workforce"
    verbose_name = "People"

    def ready(self) -> None:
        from workforce import scopes  # noqa: F401 -- says who may find which rows; models are not loaded before this
