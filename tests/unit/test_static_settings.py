"""The location of static files from the environment, and the CSP that lets pages load them."""

import pytest

from tests.unit.test_environment import PRODUCTION, settings_with


@pytest.mark.parametrize(
    ("variables", "static_url"),
    [
        ({}, "https://files.s3.us-east-1.amazonaws.com/"),
        ({"AWS_REGION": "eu-west-1"}, "https://files.s3.eu-west-1.amazonaws.com/"),
        ({"AWS_ENDPOINT_URL_S3": "https://s3.example"}, "https://s3.example/files/"),
        ({"AWS_STATIC_CUSTOM_DOMAIN": "cdn.example"}, "https://cdn.example/"),
        (
            {
                "AWS_ENDPOINT_URL_S3": "http://store:7480",
                "AWS_S3_PUBLIC_ENDPOINT_URL": "https://store.example",
                "AWS_S3_ADDRESSING_STYLE": "virtual",
            },
            "https://files.store.example/",
        ),
    ],
)
def test_static_files_come_from_their_bucket_and_pages_may_load_them(
    variables: dict[str, str], static_url: str
) -> None:
    names = ("STATIC_URL", "STATICFILES_BACKEND", "MIDDLEWARE", "CONTENT_SECURITY_POLICY")
    everything = PRODUCTION | {"AWS_STATIC_BUCKET_NAME": "files"} | variables

    url, backend, middleware, policy = settings_with(*names, **everything)

    assert (url, backend) == (static_url, "config.static.S3StaticFiles")
    assert "whitenoise" not in str(middleware)
    assert isinstance(policy, dict)
    for kind in ("script-src", "style-src", "font-src", "img-src"):
        assert static_url in policy["DIRECTIVES"][kind]
    assert static_url not in policy["DIRECTIVES"]["connect-src"]


def test_static_files_come_from_the_process_unless_there_is_a_bucket_for_them() -> None:
    names = ("STATIC_URL", "STATICFILES_BACKEND", "MIDDLEWARE", "CONTENT_SECURITY_POLICY")

    url, backend, middleware, policy = settings_with(*names, **PRODUCTION)

    assert (url, backend) == ("/static/", "config.static.StaticFiles")
    assert "whitenoise.middleware.WhiteNoiseMiddleware" in str(middleware)
    assert isinstance(policy, dict)
    assert policy["DIRECTIVES"]["script-src"] == ["'self'"]
