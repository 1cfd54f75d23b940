"""What the settings of a test run come from: set before Django reads them (``-p`` in pyproject).

Each process of a parallel run has an embedded AWS of its own, on a port of its own. With
TEST_S3_ENDPOINT_URL only its tables are embedded: the bucket is on an engine that knows the keys
TEST_S3_ACCESS_KEY and TEST_S3_SECRET_KEY, one bucket for each process (``make test-engines``).
TEST_CERTIFICATE is a file of certificates to trust, for engines that are reached by HTTPS.
"""

import os
import socket


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


OWN = ("AWS_", "AVATAR", "UPLOAD_", "EVENTS_")
for name in [name for name in os.environ if name.startswith(OWN)]:
    del os.environ[name]  # nothing a developer has set may reach the tests

os.environ |= {
    "EMBEDDED_AWS_PORT": str(_free_port()),
    "SECRET_KEY": "only-for-tests",
    # Never opened: tests/conftest.py names a file for each process. It must not be in memory,
    # or the live server would share one connection among its threads.
    "DATABASE_URL": os.environ.get("TEST_DATABASE_URL", "sqlite:////nowhere/unused.sqlite3"),
    "DEBUG": "true",
    "DEMO": "true",
    # PynamoDB would read a file of the machine's.
    "PYNAMODB_CONFIG": os.devnull + "/none",
}

if "TEST_S3_ENDPOINT_URL" in os.environ:
    os.environ |= {
        "AWS_STORAGE_BUCKET_NAME": f"triphase{os.environ.get('PYTEST_XDIST_WORKER', '')}",
        "AWS_ACCESS_KEY_ID": os.environ["TEST_S3_ACCESS_KEY"],
        "AWS_SECRET_ACCESS_KEY": os.environ["TEST_S3_SECRET_KEY"],
        "AWS_ENDPOINT_URL_S3": os.environ["TEST_S3_ENDPOINT_URL"],
        "AWS_ENDPOINT_URL_DYNAMODB": f"http://127.0.0.1:{os.environ['EMBEDDED_AWS_PORT']}",
        "SITE_ORIGINS": "http://localhost:8000",
    }

if "TEST_CERTIFICATE" in os.environ:
    # The SDK reads the one, and OpenSSL, for forms and URLs, the other.
    os.environ |= dict.fromkeys(["AWS_CA_BUNDLE", "SSL_CERT_FILE"], os.environ["TEST_CERTIFICATE"])
