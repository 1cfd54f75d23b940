"""What happens to everything that an owner has when their account is deleted."""

from avatars.references import live_stores
from avatars.services import close_owner


def close_everything(owner_id: str) -> None:
    """Close the owner in every kind of upload: nothing of theirs stays, nothing more is accepted.

    Raises UserFacingError; the next sweep then does the same.
    """
    close_owner(owner_id=owner_id, stores=live_stores())
