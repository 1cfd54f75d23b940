"""The HTTP status of each error of a file; of a class that is not here that of the nearest base."""

from aws.errors import StorageUnavailable, UploadMissing
from files import errors
from uploads.errors import InvalidToken, TokenExpired
from web.errors import UserFacingError

STATUSES: dict[type[UserFacingError], int] = {
    errors.BadName: 400,
    errors.UnsupportedType: 400,
    errors.BadSize: 400,
    errors.BadParts: 400,
    errors.TooLargeToRestore: 400,
    InvalidToken: 403,
    errors.NoSuchFile: 404,
    errors.QuotaExceeded: 409,
    errors.TooManyVersions: 409,
    errors.TooManyUnfinished: 409,
    errors.NotUploaded: 409,
    errors.Incomplete: 409,
    errors.AlreadyAccepted: 409,
    errors.Conflict: 409,
    errors.Blocked: 409,
    errors.UnreadableItem: 409,
    errors.Deleted: 410,
    UploadMissing: 410,
    TokenExpired: 410,
    errors.Refused: 422,
    errors.DetectorUnavailable: 503,
    StorageUnavailable: 503,
    UserFacingError: 500,
}
