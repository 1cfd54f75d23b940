"""The keys of the bucket: ``<prefix><owner id>/<name>``, each prefix with rules of its own.

What lies under ``pending/`` expires by the bucket's lifecycle; what lies under any other prefix
stays until the product deletes it.
"""

PENDING_PREFIX = "pending/"
AVATARS_PREFIX = "avatars/"
FILES_PREFIX = "files/"
PREVIEWS_PREFIX = "previews/"
MAX_KEY_BYTES = 1024  # S3 has no object with a longer key, and refuses to look for one
# What stays until it is deleted, in the order of a listing, which is that of a sweep.
KEPT_PREFIXES = (AVATARS_PREFIX, FILES_PREFIX, PREVIEWS_PREFIX)
PREFIXES = {PENDING_PREFIX, *KEPT_PREFIXES}

# Whose objects under ``pending/`` are those of a probe of the bucket; no user's id is a word.
PROBE_OWNER = "probe"


def prefix_of(prefix: str, owner_id: str) -> str:
    """Return the prefix of all that ``owner_id`` has under ``prefix``."""
    return f"{prefix}{owner_id}/"


def owner_of(key: str) -> str:
    """Return the owner in a key such as ``avatars/<owner>/…``, empty if it has another form."""
    prefix, _, rest = key.partition("/")
    owner, slash, _ = rest.partition("/")
    return owner if slash and f"{prefix}/" in PREFIXES else ""
