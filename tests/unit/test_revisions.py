"""What the services do when the outcome of an update is unknown: they compare revisions."""

from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from avatars.errors import Conflict
from avatars.references import Reference, Stores
from avatars.services import remove_picture
from aws.errors import OutcomeUnknown, StorageUnavailable
from tests.builders import at_once

HERS = "0123456789abcdef"


def another(revision: str) -> str:
    """Return a revision that differs in the last character."""
    return revision[:-1] + ("0" if revision[-1] != "0" else "1")


@dataclass
class Unknown:
    """References whose updates have an unknown outcome; ``found`` is read after them."""

    found: str = ""
    current: Reference = field(default_factory=lambda: Reference("7", revision=HERS))

    def read(self, _owner_id: str) -> Reference:
        return self.current

    def replace(self, before: Reference, after: Reference) -> None:
        revisions = {
            "before": before.revision,
            "like before": another(before.revision or ""),
            "after": after.revision,
            "like after": another(after.revision or ""),
        }
        self.current = replace(before, revision=revisions[self.found])
        raise OutcomeUnknown


def remove(found: str) -> None:
    stores = Stores(bucket=cast(Any, None), references=cast(Any, Unknown(found)), later=at_once)
    remove_picture(owner_id="7", stores=stores)


def test_removal_is_done_when_its_revision_is_found() -> None:
    remove("after")


def test_outcome_is_unknown_when_the_revision_has_not_changed() -> None:
    with pytest.raises(StorageUnavailable):
        remove("before")


@pytest.mark.parametrize("found", ["like before", "like after"])
def test_removal_is_tried_again_when_the_revision_is_another(found: str) -> None:
    with pytest.raises(Conflict):
        remove(found)
