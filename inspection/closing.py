"""What happens to everything that an owner has when their account is deleted."""

from avatars import references, services
from files import closing
from files import stores as files_stores


def close_everything(owner_id: str) -> None:
    """Close the owner in every kind of upload: nothing of theirs stays, nothing more is accepted.

    Raises UserFacingError; the next sweep then does the same.
    """
    services.close_owner(owner_id=owner_id, stores=references.live_stores())
    closing.close_owner(owner_id=owner_id, stores=files_stores.live_stores())
