"""All settings, read from the environment. Without any, everything runs on this machine.

The switch is ``AWS_STORAGE_BUCKET_NAME``. With it the product talks to that bucket, on AWS or on
the endpoints given, and ``DEBUG`` and ``DEMO`` are off. Without it there is no production to
protect: the embedded AWS stands in, and both are on.
"""

from datetime import timedelta
from pathlib import Path

from aws.endpoints import is_aws, static_url
from config.addresses import (
    domain,
    endpoint,
    hosts,
    origins,
    origins_of,
    page,
    profile_endpoint,
)
from config.env import (
    bucket,
    content_types,
    env,
    one_of,
    queue,
    rate,
    region,
    rsa_key,
    secret_key,
    shared_secret,
    table,
    topic,
    whole_number,
)
from web import logs

MIB, GIB = 1024**2, 1024**3

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

# --- AWS ---------------------------------------------------------------------------------------

PORT = whole_number("PORT", 8000, at_most=65535)
AWS_STORAGE_BUCKET_NAME = bucket("AWS_STORAGE_BUCKET_NAME")
EMBEDDED_AWS = not AWS_STORAGE_BUCKET_NAME
EMBEDDED_AWS_PORT = whole_number(
    "EMBEDDED_AWS_PORT", PORT + 1000 if PORT < 64000 else PORT - 1000, at_most=65535
)
AWS_REGION = region("AWS_REGION") or region("AWS_DEFAULT_REGION") or "us-east-1"

if EMBEDDED_AWS:
    AWS_STORAGE_BUCKET_NAME = "triphase"
    AWS_ACCESS_KEY_ID: str | None = "embedded"
    AWS_SECRET_ACCESS_KEY: str | None = "only-for-the-embedded-aws"  # noqa: S105 (guards nothing)
    AWS_SESSION_TOKEN: str | None = None
    AWS_S3_ENDPOINT_URL: str | None = f"http://127.0.0.1:{EMBEDDED_AWS_PORT}"
    AWS_DYNAMODB_ENDPOINT_URL: str | None = AWS_S3_ENDPOINT_URL
    AWS_SQS_ENDPOINT_URL: str | None = AWS_S3_ENDPOINT_URL
    AWS_SNS_ENDPOINT_URL: str | None = AWS_S3_ENDPOINT_URL
else:
    # None leaves the choice to the SDK (profile, container or instance role).
    # https://boto3.amazonaws.com/v1/documentation/api/latest/guide/credentials.html
    AWS_ACCESS_KEY_ID = env.str("AWS_ACCESS_KEY_ID", None)
    AWS_SECRET_ACCESS_KEY = env.str("AWS_SECRET_ACCESS_KEY", None)
    AWS_SESSION_TOKEN = env.str("AWS_SESSION_TOKEN", None)
    AWS_S3_ENDPOINT_URL = (
        endpoint("AWS_ENDPOINT_URL_S3")
        or endpoint("AWS_ENDPOINT_URL")
        or profile_endpoint("s3", region=AWS_REGION)
    )
    AWS_DYNAMODB_ENDPOINT_URL = (
        endpoint("AWS_ENDPOINT_URL_DYNAMODB")
        or endpoint("AWS_ENDPOINT_URL")
        or profile_endpoint("dynamodb", region=AWS_REGION)
    )
    AWS_SQS_ENDPOINT_URL = (
        endpoint("AWS_ENDPOINT_URL_SQS")
        or endpoint("AWS_ENDPOINT_URL")
        or profile_endpoint("sqs", region=AWS_REGION)
    )
    AWS_SNS_ENDPOINT_URL = (
        endpoint("AWS_ENDPOINT_URL_SNS")
        or endpoint("AWS_ENDPOINT_URL")
        or profile_endpoint("sns", region=AWS_REGION)
    )

# The endpoint that browsers see, where it differs from the one this process uses.
AWS_S3_PUBLIC_ENDPOINT_URL = endpoint("AWS_S3_PUBLIC_ENDPOINT_URL", AWS_S3_ENDPOINT_URL)
AWS_S3_ADDRESSING_STYLE = one_of("AWS_S3_ADDRESSING_STYLE", "auto", ["path", "virtual", "auto"])
if AWS_S3_ADDRESSING_STYLE == "auto":
    # With its own "auto" the SDK signs URLs of the global endpoint, which only redirects.
    AWS_S3_ADDRESSING_STYLE = "path" if AWS_S3_ENDPOINT_URL else "virtual"
# A CDN in front of avatars/: its pictures are then public under unguessable names.
AWS_S3_CUSTOM_DOMAIN = domain("AWS_S3_CUSTOM_DOMAIN")
# With a key pair of CloudFront they are private, and the URLs signed.
# https://django-storages.readthedocs.io/en/latest/backends/amazon-S3.html#cloudfront-signed-urls
AWS_CLOUDFRONT_KEY_ID = env.str("AWS_CLOUDFRONT_KEY_ID", None)
AWS_CLOUDFRONT_KEY = rsa_key("AWS_CLOUDFRONT_KEY")
# Static files in a bucket that everybody may read; unset, each process serves its own.
AWS_STATIC_BUCKET_NAME = bucket("AWS_STATIC_BUCKET_NAME")
# A CDN in front of that bucket.
AWS_STATIC_CUSTOM_DOMAIN = domain("AWS_STATIC_CUSTOM_DOMAIN")

# --- AWS time-outs -----------------------------------------------------------------------------

# The one home of these figures: boto3, PynamoDB and `aws.deadlines` all read them here.
# The SDK's own time-outs hold for each address of a name (S3 has eight), for each operation on a
# socket and for each attempt, so they bound nothing as a whole: AWS_CALL_SECONDS does. A request
# that is given up may still be carried out, which the protocol allows for.
#
#   a call       at most AWS_CALL_SECONDS, with its retries and the pauses between them
#   a confirm    four calls at worst: item and upload side by side, PUT, update, and the item
#                again if the outcome of the update is unknown; and decoding
#   a removal    three calls in a row; again, up to avatars.services.WRITE_ATTEMPTS times, only
#                while others change the item between its read and its update
#   a page       the users page one call; a page of the table or the bucket as many as
#                tests/faults/test_bounds.py counts
#
# "Retry smaller requests after 2 seconds": Amazon S3, "Timeouts and retries for
# latency-sensitive applications".
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-guidelines.html
AWS_CONNECT_SECONDS = 1
AWS_READ_SECONDS = 3
# Standard mode repeats time-outs, lost connections, 5xx and throttling; it pauses at random up to
# 0.05 s (1 s if throttled), twice that before the next attempt.
# https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
AWS_ATTEMPTS = 3
# Two attempts that time out, or three that fail sooner.
AWS_CALL_SECONDS = 6
# Calls at one time to each of S3 and DynamoDB, each with a thread and a connection: one for each
# thread of the web server, and a page of the inspection side by side.
AWS_POOL_CONNECTIONS = 72

# --- Uploads -----------------------------------------------------------------------------------

AVATARS_TABLE = table("AVATARS_TABLE", "triphase-avatars")
AVATAR_MAX_BYTES = whole_number("AVATAR_MAX_BYTES", 5 * 1024 * 1024)
# How many pictures each process decodes at once; one at the limits takes some 300 MB.
AVATAR_DECODERS = whole_number("AVATAR_DECODERS", 2, at_most=64)
FILES_TABLE = table("FILES_TABLE", "triphase-files")
# S3 takes objects of up to 5 TB.
FILE_MAX_BYTES = whole_number("FILE_MAX_BYTES", 5 * GIB, at_most=5 * 1024 * GIB)
# From this size on a file is sent in parts; S3 takes at most 5 GB in one request.
FILE_MULTIPART_BYTES = whole_number("FILE_MULTIPART_BYTES", 100 * MIB, at_most=5 * GIB)
# How long an upload in parts can be gone on with; then the bucket deletes its parts.
FILE_UPLOAD_DAYS = whole_number("FILE_UPLOAD_DAYS", 7, at_most=365)
# How many uploads in parts a user may have begun and not finished.
FILE_MAX_UNFINISHED = whole_number("FILE_MAX_UNFINISHED", 100, at_most=1000)
# What the files of one user may take up, all versions counted.
FILE_QUOTA_BYTES = whole_number("FILE_QUOTA_BYTES", 10 * GIB, at_most=2**53)
FILE_QUOTA_COUNT = whole_number("FILE_QUOTA_COUNT", 10_000)
FILE_MAX_VERSIONS = whole_number("FILE_MAX_VERSIONS", 100, at_most=1000)
# How long the URL of a download can be used; the download itself may take longer.
DOWNLOAD_URL_SECONDS = 60
# The content types that files may have. None: every type but what is dangerous to open, as listed
# in files/dangers.py; such a type is allowed only if it is named here in full.
FILE_TYPES = content_types("FILE_TYPES")
# Up to which size the SHA-256 of a file is taken; above it, S3's own checksum has to do.
FILE_DIGEST_BYTES = whole_number("FILE_DIGEST_BYTES", 20 * 1024**3, at_least=0, at_most=5 * 1024**4)
# Every table that `provision` makes, as dotted paths to PynamoDB models.
PROVISIONED_TABLES = ["avatars.models.AvatarItem", "files.models.FileItem"]
# What `sweep` does, one after another: functions of uploads.sweeping's Options and Progress.
SWEEPS = [
    "avatars.sweeping.sweep_avatars",
    "files.sweeping.sweep_files",
    "uploads.sweeping.sweep_pending",
]
# How long a presigned POST can be used. The browser asks for a new one by itself.
UPLOAD_POLICY_SECONDS = whole_number("UPLOAD_POLICY_SECONDS", 5 * 60)
# How long after phase 1 an upload can be confirmed: the policy's life plus a slow transfer.
UPLOAD_TOKEN_SECONDS = whole_number("UPLOAD_TOKEN_SECONDS", 60 * 60)
# How many objects of one user may wait under pending/ to be confirmed or to expire.
MAX_PENDING_UPLOADS = whole_number("MAX_PENDING_UPLOADS", 50, at_most=1000)
# How often one user may ask, in the notation of https://limits.readthedocs.io/en/stable/quickstart.html
RATE_LIMITS = {
    "begin-upload": rate("BEGIN_UPLOAD_RATE", "30/minute;300/day"),
    "confirm-upload": rate("CONFIRM_UPLOAD_RATE", "60/minute;600/day"),
    "remove-picture": rate("REMOVE_PICTURE_RATE", "20/minute"),
    "begin-file": rate("BEGIN_FILE_RATE", "600/minute;20000/day"),
    "use-files": rate("USE_FILES_RATE", "1800/minute"),
    # Guesses at the password of one link.
    "link-password": rate("LINK_PASSWORD_RATE", "10/minute;100/day"),
}
# The same for all users of one address, which may be a whole office.
RATE_LIMITS_PER_ADDRESS = {
    "begin-upload": rate("BEGIN_UPLOAD_RATE_PER_ADDRESS", "120/minute;3000/day"),
    "confirm-upload": rate("CONFIRM_UPLOAD_RATE_PER_ADDRESS", "240/minute;6000/day"),
    "remove-picture": rate("REMOVE_PICTURE_RATE_PER_ADDRESS", "80/minute"),
    "begin-file": rate("BEGIN_FILE_RATE_PER_ADDRESS", "2400/minute;100000/day"),
    "use-files": rate("USE_FILES_RATE_PER_ADDRESS", "7200/minute"),
    "link-password": rate("LINK_PASSWORD_RATE_PER_ADDRESS", "30/minute"),
    "wrong-key": rate("WRONG_KEY_RATE_PER_ADDRESS", "60/minute"),
}
# How many proxies of ours a request comes through; each adds to X-Forwarded-For whom it heard.
TRUSTED_PROXIES = whole_number("TRUSTED_PROXIES", 0, at_least=0, at_most=10)
# memory:// counts in each process by itself.
RATE_LIMIT_STORAGE = env.str("RATE_LIMIT_STORAGE", "memory://")
# Within one window a picture keeps its presigned URL, so that browsers can cache it; the URL
# stays good for one more window. S3 takes no URL that is good for more than a week.
PICTURE_URL_WINDOW_SECONDS = whole_number(
    "PICTURE_URL_WINDOW_SECONDS", 60 * 60, at_most=7 * 24 * 3600 // 2
)

# --- Assets: the HTTP API, streams and share links ---------------------------------------------

# The largest file that passes through this site, sent in parts of 5 MiB; larger ones go straight
# to the bucket.
STREAM_MAX_BYTES = whole_number(
    "STREAM_MAX_BYTES", min(FILE_MAX_BYTES, 9500 * 5 * MIB), at_most=9500 * 5 * MIB
)
# How many files a process takes, and gives, at one time.
STREAM_UPLOADS = whole_number("STREAM_UPLOADS", 16, at_most=1000)
STREAM_DOWNLOADS = whole_number("STREAM_DOWNLOADS", 40, at_most=1000)
# After this time without 16 KiB from a sender, or to a reader, its connection is ended.
STREAM_IDLE_SECONDS = whole_number("STREAM_IDLE_SECONDS", 60)
# Whether only its owner may read a file by its id, however it was stored.
ASSETS_PRIVATE = env.bool("ASSETS_PRIVATE", False)
# How long a share link works unless its maker says otherwise, and at most.
LINK_MINUTES = whole_number("LINK_MINUTES", 7 * 24 * 60)
LINK_MAX_MINUTES = whole_number("LINK_MAX_MINUTES", 365 * 24 * 60)

# --- Events of the bucket ----------------------------------------------------------------------

# Who is told of each new object: a prefix of its key, and a function of the key. The function
# returns once the event may be forgotten, and raises if it must come again.
ARRIVALS: dict[str, str] = {"files/": "files.arrivals.arrived"}
# Other stores have no queue to send to, as a rule.
_HAS_EVENTS = EMBEDDED_AWS or is_aws(AWS_S3_ENDPOINT_URL)
# The queue that the bucket tells of new objects; `consume_events` reads it. Empty: there is none.
EVENTS_QUEUE = queue("EVENTS_QUEUE", "triphase-events" if _HAS_EVENTS else "")
# The topic that is told what became of each file. Empty: there is none.
EVENTS_TOPIC = topic("EVENTS_TOPIC", "triphase-files" if _HAS_EVENTS else "")
# What a store that sends its events over HTTP must know. Empty: nobody may send any.
EVENTS_SECRET = shared_secret("EVENTS_SECRET")
# Where a store such as Ceph is told, by `provision`, to send its events: this site's /events/s3/.
EVENTS_PUSH_URL = page("EVENTS_PUSH_URL")
# How many messages a process works on at once.
EVENTS_WORKERS = whole_number("EVENTS_WORKERS", 4, at_most=64)

# --- Django ------------------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", EMBEDDED_AWS)
DEMO = env.bool("DEMO", EMBEDDED_AWS)
SECRET_KEY = secret_key("SECRET_KEY", made_in=VAR_DIR / "secret-key" if DEBUG else None)
ALLOWED_HOSTS = hosts("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"] if DEBUG else [])
CSRF_TRUSTED_ORIGINS = origins("CSRF_TRUSTED_ORIGINS", wildcards=True)
# The pages' own origins, which the bucket lets upload to it (CORS).
SITE_ORIGINS = origins("SITE_ORIGINS") or (
    [f"http://localhost:{PORT}", f"http://127.0.0.1:{PORT}"]
    if EMBEDDED_AWS
    else origins_of(ALLOWED_HOSTS, or_set="SITE_ORIGINS")
)
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

INSTALLED_APPS = [
    "config",
    "accounts",
    "assets",
    "avatars",
    "files",
    "uploads",
    "inspection",
    "demo",
    "whitenoise.runserver_nostatic",
    "axes",
    "csp",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_structlog",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "web.request_id.RequestLog",
    "config.csp.ContentSecurityPolicy",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    # After what sets headers, before what looks at the host or asks the database.
    "inspection.health.HealthMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.bearer.ApiKeys",
    "django.contrib.messages.middleware.MessageMiddleware",
    "axes.middleware.AxesMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "demo.context.demo",
            ],
        },
    },
]

DATABASES = {
    "default": env.dj_db_url(
        "DATABASE_URL",
        # Where there is a bucket to lose, no other database may stand in by mistake: the sweep
        # takes an owner without an account for one who is gone.
        *([f"sqlite:///{VAR_DIR / 'db.sqlite3'}"] if EMBEDDED_AWS else []),
        conn_max_age=60,
        conn_health_checks=True,
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Readers do not wait for the writer, and a writer waits for its turn instead of failing.
    # https://docs.djangoproject.com/en/5.2/ref/databases/#sqlite-notes
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
elif DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    # A database that does not answer is given up after seconds; the URL may say otherwise.
    # https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": 5,
        "tcp_user_timeout": 20_000,  # milliseconds
        **DATABASES["default"].get("OPTIONS", {}),
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
TIME_ZONE = "UTC"
USE_TZ = True

# --- Accounts ----------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
# What stands where a username does in a route.
RESERVED_USERNAMES = {"remove", "uploads", ".", ".."}
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "users"
LOGOUT_REDIRECT_URL = "users"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
# https://django-axes.readthedocs.io/en/latest/4_configuration.html
AXES_FAILURE_LIMIT = whole_number("LOGIN_FAILURE_LIMIT", 5)
AXES_COOLOFF_TIME = timedelta(seconds=whole_number("LOGIN_COOLOFF_SECONDS", 15 * 60))
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
# The same as the rates': on its own axes would believe any X-Forwarded-For.
AXES_CLIENT_IP_CALLABLE = "web.address.client_address"
AXES_LOCKOUT_CALLABLE = "accounts.views.locked_out"
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False

# --- Files and pictures ------------------------------------------------------------------------

STATIC_URL = "static/"
STATICFILES_BACKEND = "config.static.StaticFiles"
if DEBUG:
    STATICFILES_BACKEND = "django.contrib.staticfiles.storage.StaticFilesStorage"
elif AWS_STATIC_BUCKET_NAME:
    STATICFILES_BACKEND = "config.static.S3StaticFiles"
    STATIC_URL = (
        f"https://{AWS_STATIC_CUSTOM_DOMAIN}/"
        if AWS_STATIC_CUSTOM_DOMAIN
        else static_url(
            AWS_STATIC_BUCKET_NAME,
            region=AWS_REGION,
            endpoint_url=AWS_S3_PUBLIC_ENDPOINT_URL,
            style=AWS_S3_ADDRESSING_STYLE,
        )
    )
    # It would serve STATIC_ROOT at the root of the site.
    MIDDLEWARE.remove("whitenoise.middleware.WhiteNoiseMiddleware")
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "aws.storage.PresignedStorage"},
    "avatars": {"BACKEND": "aws.storage.PresignedStorage"},
    "staticfiles": {"BACKEND": STATICFILES_BACKEND},
}

# --- Security ----------------------------------------------------------------------------------

CSRF_FAILURE_VIEW = "web.api.csrf_failure"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
# The scripts take the token from the page.
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", not DEBUG)
# Uptime watchers and load balancers ask over plain HTTP. A store may send its events so within a
# network of its own; once it has sent them over another, a redirect protects nothing any more.
SECURE_REDIRECT_EXEMPT = [r"^ping$", r"^readyz$", r"^events/s3/$"]
SECURE_HSTS_SECONDS = whole_number("SECURE_HSTS_SECONDS", 0 if DEBUG else 31_536_000, at_least=0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", not DEBUG)
SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", not DEBUG)
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Nothing here needs a device or an interface that a page could ask for. Only those that every
# browser with this header knows: each of the others costs a complaint in the console.
# https://github.com/adamchainz/django-permissions-policy
PERMISSIONS_POLICY: dict[str, list[str]] = {
    name: []
    for name in (
        *("accelerometer", "autoplay", "camera", "display-capture", "encrypted-media"),
        *("fullscreen", "geolocation", "gyroscope", "hid", "magnetometer", "microphone", "midi"),
        *("payment", "picture-in-picture", "publickey-credentials-get", "screen-wake-lock"),
        *("serial", "usb", "xr-spatial-tracking"),
    )
}
# Behind a proxy that sets it: https://docs.djangoproject.com/en/5.2/ref/settings/#secure-proxy-ssl-header
if env.bool("BEHIND_HTTPS_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# The largest body that this site reads itself is a small JSON object; pictures go to the bucket.
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024
FILE_UPLOAD_HANDLERS = ["web.no_files.NoFiles"]

# --- Logs --------------------------------------------------------------------------------------

LOGGING = logs.configuration(
    readable=DEBUG,
    level=one_of("LOG_LEVEL", "INFO", ["DEBUG", "INFO", "WARNING", "ERROR"]),
    secrets=[
        *(SECRET_KEY, EVENTS_SECRET, AWS_SECRET_ACCESS_KEY or "", AWS_SESSION_TOKEN or ""),
        AWS_CLOUDFRONT_KEY or "",
        str(DATABASES["default"].get("PASSWORD") or ""),
    ],
)
# https://django-structlog.readthedocs.io/en/latest/configuration.html
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True  # once web.request_id has looked at it
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_USER_ID_FIELD = ""
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = 10  # DEBUG
DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = 20  # INFO
