"""What the scripts of the users page say; the page has it as JSON, which ``js/words.js`` reads."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# Lazy, so each page has them in its own language. The scripts fill in the {placeholders}.
WORDS: dict[str, Promise] = {
    "begin": _("Asking for permission…"),
    "send": _("Uploading to the bucket…"),
    "confirm": _("Confirming…"),
    "waiting": _("(waiting)"),
    "current": _("(now)"),
    "done": _("(done)"),
    "failed": _("(failed)"),
    "retrying": _("No answer yet. Trying again…"),
    "renewing": _("The permission ran out. Getting a new one…"),
    "opening": _("Opening the picture…"),
    "encoding": _("Cutting out the picture…"),
    "cropArea": _("Crop area: arrow keys move the picture, plus and minus zoom"),
    "cropReady": _("Crop the picture, then save it."),
    "uncropped": _(
        "This browser cannot show {name}, so the whole picture is sent and cropped on the server."
    ),
    "saved": _("Your new picture is saved ({width} × {height}, {size})."),  # noqa: RUF001
    "removed": _("Your picture is removed."),
    "removeFailed": _("The picture could not be removed. Reload the page and try again."),
    "cancelled": _("Cancelled. Your picture is what it was before."),
    "cancelledLate": _(
        "Cancelled at the last moment: the new picture may be saved already. Reload the page"
        " to see."
    ),
    "kilobytes": _("{number} KB"),
    "megabytes": _("{number} MB"),
    "isEmpty": _("{name} is empty. Choose another picture."),
    "notAPicture": _(
        "{name} cannot be used as a picture. Choose a JPEG, PNG, WebP, AVIF or GIF file."
    ),
    "tooLarge": _("{name} has {size}, and the limit is {limit}. Choose a smaller picture."),
    "network": _("The connection broke off. Check your network, then try again; nothing is lost."),
    "bucketBusy": _("The bucket does not answer properly just now. Try again in a moment."),
    "bucketRefused": _(
        "The bucket refused the picture ({code}). Choose it once more, or another one."
    ),
    "bucketTooLarge": _("The bucket takes no picture as large as this one. Choose a smaller one."),
    "signedOut": _("You are no longer signed in. Reload the page, sign in and try again."),
    "unexpected": _("Something went wrong that should not. Reload the page and try again."),
    "skipDone": _(
        "The bucket has the file, but it was never confirmed. So your picture is still the old"
        " one, and no item points at the new object: under Bucket it is pending, with the"
        " time at which it goes by itself."
    ),
    "againDone": _(
        "The bucket took the second file, with the very same form. But your picture is the"
        " confirmed one, elsewhere, written by the server: it did not change. What was sent"
        " afterwards is a stray pending object that goes by itself."
    ),
}
