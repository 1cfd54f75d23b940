"""What the script of the files page says; the page has it as JSON, which ``js/words.js`` reads."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# Lazy, so each page has them in its own language. The scripts fill in the {placeholders}.
WORDS: dict[str, Promise] = {
    # Units, which the scripts put numbers before.
    "bytes": _("{number} bytes"),
    "kilobytes": _("{number} KB"),
    "megabytes": _("{number} MB"),
    "gigabytes": _("{number} GB"),
    "terabytes": _("{number} TB"),
    "aSecond": _("{size}/s"),
    "secondsLeft": _("{number} s left"),
    "minutesLeft": _("{number} min left"),
    "hoursLeft": _("{number} h left"),
    # The state of an upload, as a chip.
    "queued": _("Waiting"),
    "starting": _("Starting"),
    "sending": _("Uploading"),
    "confirming": _("Confirming"),
    "done": _("Stored"),
    "paused": _("Paused"),
    "refused": _("Refused"),
    "failed": _("Failed"),
    "lost": _("Not finished"),
    "elsewhere": _("Another tab"),
    "offline": _("Offline"),
    "busy": _("Waiting"),
    # What is happening to it.
    "queuedMore": _("Waits for its turn."),
    "startingMore": _("Asking for permission to upload."),
    "sentOf": _("{sent} of {size}"),
    "partOf": _("Part {number} of {all}"),
    "confirmingMore": _("All of it has arrived and is being checked."),
    "doneMore": _("Uploaded."),
    "pausedNone": _("Nothing of it has been sent yet."),
    "pausedMore": _("{sent} of {size} have arrived and are kept."),
    "lostMore": _("{sent} of {size} have arrived. Choose the same file again to send the rest."),
    "lostAll": _("Nothing has arrived yet. Choose the same file again to upload it."),
    "lostHandle": _("{sent} of {size} have arrived. The rest can be sent from where the file is."),
    "elsewhereMore": _("Another tab of this browser uploads it."),
    "offlineMore": _("The connection broke off. It goes on by itself when it is back."),
    "busyMore": _("The site is busy. It goes on by itself in a moment."),
    "busyUntil": _("The site asks to wait. It goes on by itself in {time}."),
    "seconds": _("{number} s"),
    "minutes": _("{number} min"),
    # All of them in a line.
    "uploading": _("Uploading"),
    "uploaded": _("Uploaded"),
    "notUploaded": _("Not uploaded"),
    "notFinished": _("Not finished"),
    "doneOf": _("{done} of {all} done"),
    "troubled": _("{failed} not uploaded"),
    "more": _("{number} more are waiting."),
    "begun": _("{number} files are being uploaded."),
    "begunOne": _("{name} is being uploaded."),
    "allDone": _("{number} files are uploaded."),
    "allDoneOne": _("{name} is uploaded."),
    "title": _("{percent} uploaded"),
    # The buttons of a row.
    "pause": _("Pause {name}"),
    "goOn": _("Go on with {name}"),
    "again": _("Try {name} again"),
    "chooseAgain": _("Choose {name} again"),
    "cancel": _("Cancel {name}"),
    "dismiss": _("Take {name} off this list"),
    # What went wrong.
    "network": _("The connection broke off. It goes on by itself when it is back."),
    "signedOut": _("You are no longer signed in. Reload the page, sign in, then go on."),
    "unreadable": _(
        "The file was changed, moved or deleted since you chose it, so it cannot be read any more."
        " Choose it again."
    ),
    "endedElsewhere": _("It was cancelled in another tab or browser."),
    "isEmpty": _("The file is empty, so there is nothing to upload."),
    "tooLarge": _("The file has {size}, and {limit} is the most that is possible here."),
    "bucketTooLarge": _("The storage takes no file as large as this one."),
    "bucketBusy": _("The storage does not answer properly just now. Try again in a moment."),
    "bucketRefused": _("The storage refused the file ({code}). Try again."),
    "unexpected": _("Something went wrong that should not. Try again."),
    "arrivedAlready": _("{name} had arrived already. It is in the list."),
    "refusedLater": _("{name} was not kept: its content was refused."),
    "otherFile": _("That is another file. Choose {name}, of {size}, as it was."),
    "doubles": _("{name} is being uploaded already."),
    "nothingFound": _("There was no file in that."),
    # Choosing.
    "pastedName": _("Pasted {time}.png"),
    # Files in the list.
    "deleted": _("{name} is deleted."),
    "undo": _("Undo"),
    "deleteFailed": _("{name} could not be deleted. Try again."),
    "loadFailed": _("The list could not be loaded. Check your connection, then try again."),
    "versionRestored": _("The version is the newest now."),
    "versionCopied": _("The version is being copied, and will be the newest in a moment."),
    "versionDeleted": _("The version is deleted."),
    "changeFailed": _("That did not work. Try again."),
}
