"""Compares bodies with the digests that their sender declares.

AWS: "Checking object integrity in Amazon S3". CRC-32C and CRC-64/NVME are not in the standard
library and are not checked.
"""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable, Iterator
from typing import IO

from embedded_aws.errors import S3Error

CHUNK = 1024 * 1024
CHECKSUMS = ("sha256", "sha1", "crc32")


def check_digests(body: IO[bytes], header: Callable[[str], str]) -> None:
    """Compare ``body`` with the Content-MD5 and ``x-amz-checksum-*`` that ``header`` returns."""
    declared = header("content-md5")
    if declared and _decoded_md5(declared) != digest("md5", body):
        raise S3Error(
            "BadDigest", "The Content-MD5 you specified did not match what we received.", 400
        )
    for algorithm in CHECKSUMS:
        name = f"x-amz-checksum-{algorithm}"
        declared = header(name)
        if declared and declared != base64.b64encode(digest(algorithm, body)).decode():
            raise S3Error(
                "BadDigest",
                f"The {algorithm.upper()} you specified did not match the calculated checksum.",
                400,
            )


def check_payload_hash(body: IO[bytes], declared: str) -> None:
    """Compare ``body`` with the digest in ``x-amz-content-sha256``, which the signature covers."""
    computed = digest("sha256", body).hex()
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


def digest(algorithm: str, body: IO[bytes]) -> bytes:
    """Return the digest of all of ``body``, which is rewound before and after."""
    if algorithm == "crc32":
        checksum = 0
        for chunk in _chunks(body):
            checksum = zlib.crc32(chunk, checksum)
        return checksum.to_bytes(4, "big")
    hasher = hashlib.new(algorithm, usedforsecurity=False)
    for chunk in _chunks(body):
        hasher.update(chunk)
    return hasher.digest()


def _chunks(body: IO[bytes]) -> Iterator[bytes]:
    body.seek(0)
    while chunk := body.read(CHUNK):
        yield chunk
    body.seek(0)


def _decoded_md5(text: str) -> bytes:
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if len(decoded) != 16:
        raise S3Error("InvalidDigest", "The Content-MD5 you specified is not valid.", 400)
    return decoded
