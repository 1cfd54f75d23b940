"""The gateway ``aws.multipart.Multiparts`` without an S3."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from sortedcontainers import SortedDict

from aws.direct import NewObject, PresignedRequest
from aws.errors import AlreadyWritten, PartsRefused, UploadMissing
from aws.multipart import PARTS_PAGE, OpenMultipart, OpenPage, Part, PartsPage


class OpenUpload(NamedTuple):
    """An upload in parts; ``parts`` are sorted pairs of number and bytes."""

    content_type: str
    metadata: tuple[tuple[str, str], ...]
    begun_at: datetime
    parts: tuple[tuple[int, bytes], ...] = ()


@dataclass
class MemoryMultiparts:
    """The uploads in parts of a bucket, by key and id; ``begun`` is how many there ever were."""

    clock: Callable[[], datetime]
    objects: "SortedDict[str, Any]"
    multiparts: "SortedDict[tuple[str, str], OpenUpload]"
    begun: int

    def put_part(self, key: str, *, upload_id: str, number: int, body: bytes) -> None:
        """Carry out the presigned PUT of a part, which replaces one of its number."""
        found = self._open(key, upload_id)
        parts = {**dict(found.parts), number: body}
        self.multiparts[key, upload_id] = found._replace(parts=tuple(sorted(parts.items())))

    def presigned_part(
        self, key: str, *, upload_id: str, number: int, size: int, seconds: int, now: datetime
    ) -> PresignedRequest:
        expires_at = self.clock().isoformat(timespec="seconds")
        return PresignedRequest(f"memory://{key}?{upload_id}&{number}", {}, expires_at)

    def begin_multipart(self, wanted: NewObject) -> str:
        self.begun += 1
        upload_id = f"multipart {self.begun}"
        self.multiparts[wanted.key, upload_id] = OpenUpload(
            wanted.content_type, tuple(sorted(wanted.metadata.items())), self.clock()
        )
        return upload_id

    def parts(self, key: str, *, upload_id: str) -> list[Part]:
        found = self._open(key, upload_id)
        return [Part(number, len(body), f'"{_md5(body)}"') for number, body in found.parts]

    def parts_page(self, key: str, *, upload_id: str, after: int = 0) -> PartsPage:
        found = [part for part in self.parts(key, upload_id=upload_id) if part.number > after]
        return PartsPage(found[:PARTS_PAGE], len(found) > PARTS_PAGE)

    def complete(self, key: str, *, upload_id: str, parts: Sequence[Part], size: int) -> None:
        found = self._open(key, upload_id)
        if key in self.objects:
            raise AlreadyWritten
        bodies = dict(found.parts)
        listed = [bodies.get(part.number, b"") for part in parts]
        known = self.parts(key, upload_id=upload_id)
        in_order = [part for part in known if part in parts]
        # The least size of a part, 5 MiB, is not asked for: small ones do for the simulation.
        if list(parts) != in_order or sum(map(len, listed)) != size:
            raise PartsRefused
        digests = b"".join(bytes.fromhex(_md5(body)) for body in listed)
        del self.multiparts[key, upload_id]
        self._store(
            key,
            b"".join(listed),
            found.content_type,
            dict(found.metadata),
            etag=f"{_md5(digests)}-{len(listed)}",
        )

    def abort_multipart(self, key: str, *, upload_id: str) -> None:
        self.multiparts.pop((key, upload_id), None)

    def open_multiparts(
        self, *, prefix: str, after: tuple[str, str] | None = None, limit: int = 1000
    ) -> OpenPage:
        start = max(after, (prefix, "")) if after else (prefix, "")
        places = self.multiparts.irange(start, inclusive=(start != after, True))
        found = [place for place in islice(places, limit + 1) if place[0].startswith(prefix)]
        rows = [
            OpenMultipart(key, upload_id, self.multiparts[key, upload_id].begun_at)
            for key, upload_id in found[:limit]
        ]
        return OpenPage(rows, found[limit - 1] if len(found) > limit else None)

    def _open(self, key: str, upload_id: str) -> OpenUpload:
        if (key, upload_id) not in self.multiparts:
            raise UploadMissing
        found: OpenUpload = self.multiparts[key, upload_id]
        return found

    def _store(
        self,
        key: str,
        body: bytes,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        etag: str = "",
    ) -> None:
        raise NotImplementedError


def _md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()
