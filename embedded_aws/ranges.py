"""Which bytes of an object a GET asks for.

RFC 9110, "Range Requests"; AWS: "GetObject". One range is served, several give the whole object.
"""

import re

from embedded_aws.errors import S3Error


def range_of(text: str, size: int) -> tuple[int, int] | None:
    """Return the first byte and the one after the last; None if all are asked for.

    Raises ``S3Error`` 416 if there are none of them in an object of ``size`` bytes.
    """
    if not is_range(text):
        return None
    first, last = text.removeprefix("bytes=").split("-")
    start = int(first) if first else max(size - int(last), 0)
    end = min(int(last) + 1, size) if first and last else size
    if start >= end:
        raise S3Error(
            "InvalidRange",
            "The requested range is not satisfiable",
            416,
            {"RangeRequested": text, "ActualObjectSize": str(size)},
        )
    return start, end


def is_range(text: str) -> bool:
    """Return whether a Range header asks for one range of bytes.

    Any other is ignored (RFC 9110, 14.2).
    """
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", text, re.ASCII)
    if not match or match.group() == "bytes=-":
        return False
    first, last = match.groups()
    return not (first and last) or int(first) <= int(last)
