"""The product's settings; only the urlconf is ours."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.rig.served.urls"
