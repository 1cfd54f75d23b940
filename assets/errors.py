"""What can go wrong with an asset, a link or a stream, each in the user's words."""

from web.errors import UserFacingError


class AssetError(UserFacingError):
    """An asset that is not stored, or not given."""

    code = "asset_error"
