"""Buckets that keep what is deleted, by settings that the embedded AWS does not have."""

from aws.bucket_features import NoMfaDelete
from tests.functional.steps import provision
from tests.stores.conftest import Moved
from tests.stores.proxy import Answer, Request, Store

VERSIONED = b"""<VersioningConfiguration><Status>Enabled</Status><MfaDelete>Enabled</MfaDelete>
</VersioningConfiguration>"""


def with_mfa_delete(request: Request, answer: Answer) -> Answer:
    if not request.path.endswith("?versioning"):
        return answer
    return Answer(200, [("Content-Length", str(len(VERSIONED)))], VERSIONED)


def test_mfa_delete_is_told_and_left_alone(moved: Moved) -> None:
    store = Store(rewrite=with_mfa_delete)
    moved(store)

    assert provision() == (1, [f"differs: {NoMfaDelete.name}: {NoMfaDelete.advice}"])

    asked = [one.method for one in store.requests if one.path.endswith("?versioning")]
    assert asked == ["GET"]
