from django.apps import AppConfig


class ClipsConfig(AppConfig):
    name = "clips"
    verbose_name = "Footage"

    def ready(self) -> None:
        from clips import scopes  # noqa: F401 -- says who may find which rows
        from clips.media import sandbox
        from clips.media.faces import finding
        from clips.preparing import ffmpeg_binary
        from config import health

        health.REPORTS["media tools"] = lambda: sandbox.describe(ffmpeg_binary()) | finding.describe()
