"""``python -m tests.simulation``: set Django up as tests do, then run the command."""

import os
import sys

import django

import tests.environment  # noqa: F401 (what Django's settings are read from)

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()
    from tests.simulation.command import main

    sys.exit(main())
