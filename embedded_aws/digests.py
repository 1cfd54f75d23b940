"""Compares bodies with the digests that their sender declares, while they arrive.

AWS: "Checking object integrity in Amazon S3". CRC-32C and CRC-64/NVME are not in the standard
library and are not checked.
"""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable, Iterable
from typing import Any

from embedded_aws.errors import S3Error

CHECKSUMS = ("sha256", "sha1", "crc32")
CHECKSUM_HEADER = "x-amz-checksum-"


class Digests:
    """Several digests of one body: of ``names``, "md5" or one of ``CHECKSUMS``."""

    def __init__(self, names: Iterable[str]) -> None:
        self._hashers: dict[str, Any] = {
            name: _Crc32() if name == "crc32" else hashlib.new(name, usedforsecurity=False)
            for name in names
        }

    def update(self, chunk: bytes) -> None:
        for hasher in self._hashers.values():
            hasher.update(chunk)

    def __getitem__(self, name: str) -> bytes:
        digest: bytes = self._hashers[name].digest()
        return digest

    def base64(self, name: str) -> str:
        return base64.b64encode(self[name]).decode()

    def check(self, header: Callable[[str], str]) -> None:
        """Compare with the Content-MD5 and ``x-amz-checksum-*`` that ``header`` returns."""
        declared = header("content-md5")
        if declared and _decoded_md5(declared) != self["md5"]:
            raise S3Error(
                "BadDigest", "The Content-MD5 you specified did not match what we received.", 400
            )
        for algorithm in CHECKSUMS:
            declared = header(f"{CHECKSUM_HEADER}{algorithm}")
            if declared and declared != self.base64(algorithm):
                raise S3Error(
                    "BadDigest",
                    f"The {algorithm.upper()} you specified did not match the calculated checksum.",
                    400,
                )

    def check_payload_hash(self, declared: str) -> None:
        """Compare with ``x-amz-content-sha256``, which the signature covers."""
        computed = self["sha256"].hex()
        if computed != declared:
            raise S3Error(
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
                400,
                {
                    "ClientComputedContentSHA256": declared,
                    "S3ComputedContentSHA256": computed,
                },
            )


def names_in(headers: Iterable[str]) -> set[str]:
    """Return the digests that headers with these names declare, and MD5, of which ETags are made.

    A trailer is announced by the value of ``x-amz-trailer``, which may be among the names.
    """
    declared = {name.removeprefix(CHECKSUM_HEADER) for name in headers}
    return {"md5", *declared.intersection(CHECKSUMS)}


def checksum_of(content: Iterable[bytes], algorithm: str) -> bytes:
    """Return one of ``CHECKSUMS`` over chunks."""
    digests = Digests([algorithm])
    for chunk in content:
        digests.update(chunk)
    return digests[algorithm]


class _Crc32:
    def __init__(self) -> None:
        self._checksum = 0

    def update(self, chunk: bytes) -> None:
        self._checksum = zlib.crc32(chunk, self._checksum)

    def digest(self) -> bytes:
        return self._checksum.to_bytes(4, "big")


def _decoded_md5(text: str) -> bytes:
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if len(decoded) != 16:
        raise S3Error("InvalidDigest", "The Content-MD5 you specified is not valid.", 400)
    return decoded
