#!/usr/bin/env python
"""Django's command line for Sightline."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    from config.errors import Misconfigured

    try:
        execute_from_command_line(sys.argv)
    except Misconfigured as wrong:
        sys.exit(f"sightline will not start: {wrong}")


if __name__ == "__main__":
    main()
