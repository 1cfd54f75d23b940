"""The uploads of the casts: what a user sends, and the requests that the product issues for it."""

from dataclasses import dataclass

from aws.direct import NewObject
from files.items import file_key
from files.names import encode_name
from files.placing import file_id_of
from files.tokens import FileUpload
from tests.simulation.clock import BEGINNING

ANNA = "anna"
GOOD, BAD = b"good", b"bad!"
PART = 4  # bytes


@dataclass(frozen=True)
class Sending:
    """What a user sends: ``id`` is a letter, which tells uploads apart and in which order."""

    id: str
    owner: str = ANNA
    name: str = "notes.txt"
    body: bytes = GOOD
    multipart_id: str = ""
    content_type: str = "text/plain"

    @property
    def upload_id(self) -> str:
        """The id of the upload: a UUIDv7 that sorts as the letter does."""
        return f"00000000-0000-7000-8000-{ord(self.id):012x}"

    @property
    def issued(self) -> FileUpload:
        """The upload as begin would have issued it."""
        size = len(self.body)
        part_size = PART if self.multipart_id else size
        return FileUpload(self.owner, self.upload_id, BEGINNING, size, part_size, self.multipart_id)

    @property
    def key(self) -> str:
        """The key of its object."""
        return file_key(self.owner, self.upload_id)

    @property
    def file_id(self) -> str:
        """The id of the file that it begins, if it is the first of its name."""
        return file_id_of(self.upload_id)

    @property
    def wanted(self) -> NewObject:
        """The object that it is to become."""
        size = len(self.body)
        metadata = {"owner": self.owner, "name": encode_name(self.name), "size": str(size)}
        return NewObject(self.key, size, self.content_type, metadata)

    @property
    def parts(self) -> dict[int, bytes]:
        """The parts of its body, by number."""
        starts = range(0, len(self.body), PART)
        return {start // PART + 1: self.body[start : start + PART] for start in starts}
