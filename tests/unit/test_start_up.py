"""What a server loads before its first request."""

import json

from tests.unit.test_environment import PRODUCTION, run

LOADED = "import json, sys; import config.wsgi; print(json.dumps(sorted(sys.modules)))"
# What only commands, the demo, the tests, or one of the rates' storages need.
UNWANTED = {"rich", "pygments", "moto", "flask", "werkzeug", "faker", "redis", "embedded_aws"}


def test_server_does_not_load_what_it_does_not_use() -> None:
    done = run(LOADED, **PRODUCTION)
    assert done.returncode == 0, done.stderr

    loaded = set(json.loads(done.stdout.splitlines()[-1]))

    assert "structlog.dev" in loaded
    assert loaded & UNWANTED == set()


def test_rich_can_be_loaded_after_the_logs() -> None:
    """``web.logs`` hides it from structlog only."""
    done = run("import web.logs; import rich.progress", **PRODUCTION)

    assert done.returncode == 0, done.stderr
