"""The docs name every setting, command and route."""

import re
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.management import get_commands
from django.urls import URLPattern, get_resolver

from assets import errors as assets_errors
from avatars import views
from tests.readme import documented_errors, readme
from web.errors import UserFacingError

README = readme()
OPERATIONS = (settings.BASE_DIR / "docs" / "operations.md").read_text()
# The table of settings, in the one place where it is.
TABLE = OPERATIONS.partition("\n## Settings\n")[2].partition("\n## ")[0]
READERS = "".join(
    (settings.BASE_DIR / "config" / name).read_text() for name in ("env.py", "addresses.py")
)
OWN_APPS = {
    app.name for app in apps.get_app_configs() if Path(app.path).parent == settings.BASE_DIR
}


def test_every_setting_read_from_the_environment_is_in_the_table() -> None:
    source = (settings.BASE_DIR / "config" / "settings.py").read_text()
    own = set(re.findall(r"^def ([a-z]\w+)\(\s*name: str", READERS, flags=re.MULTILINE))
    readers = rf"(?:env\.\w+|{'|'.join(own)})"
    names = set(re.findall(readers + r"\(\s*\"([A-Z_0-9]+)\"", source))
    assert len(names) > 25
    assert {name for name in names if f"`{name}`" not in TABLE} == set()


def test_every_variable_in_the_table_is_read() -> None:
    source = (settings.BASE_DIR / "config" / "settings.py").read_text()
    rows = re.findall(r"^\| (`[A-Z].*?) \|", TABLE, flags=re.MULTILINE)
    names = [name for row in rows for name in re.findall(r"`([A-Z_0-9]+)`", row)]
    assert len(names) > 25
    assert [name for name in names if f'"{name}"' not in source] == []


def test_every_command_is_in_the_readme() -> None:
    commands = {name for name, app in get_commands().items() if app in OWN_APPS}
    assert len(commands) >= 5
    assert {name for name in commands if f"manage.py {name}" not in README} == set()


def test_every_route_is_in_the_readme() -> None:
    patterns = get_resolver().url_patterns
    routes = [
        f"{prefix.pattern}{inner.pattern}"
        for prefix in patterns
        for inner in getattr(prefix, "url_patterns", [])
        if str(prefix.pattern) != "admin/"
    ] + [str(pattern.pattern) for pattern in patterns if isinstance(pattern, URLPattern)]
    assert len(routes) > 10
    assert [route for route in routes if f"/{route.replace('str:', '')}" not in README] == []


def test_every_error_of_the_json_api_is_in_the_readme() -> None:
    statuses = {**views.STATUSES, **assets_errors.STATUSES}
    del statuses[UserFacingError]  # catches what no route is expected to raise
    errors = {(status, error.retry, error.code) for error, status in statuses.items()}
    assert documented_errors() == {
        *errors,
        (403, "never", "csrf"),
        (404, "never", "no_such_route"),
    }


def test_every_target_of_the_makefile_is_explained() -> None:
    makefile = Path(settings.BASE_DIR / "Makefile").read_text()
    targets = re.findall(r"^\.PHONY: (\w+)$", makefile, flags=re.MULTILINE)
    unexplained = [name for name in targets if not re.search(rf"^{name}:.*## ", makefile, re.M)]
    assert unexplained == ["chromium"]
