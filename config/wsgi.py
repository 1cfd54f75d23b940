"""The WSGI entry point of production servers."""

import os

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
# Only runserver runs the checks by itself; other servers would start a site with bad settings.
call_command("check")
