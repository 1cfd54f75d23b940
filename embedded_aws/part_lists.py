"""Lists of uploads in parts, which moto pages wrongly or not at all.

AWS: "ListParts", "ListMultipartUploads".
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from embedded_aws.errors import invalid_argument, xml_text
from embedded_aws.messages import Response
from embedded_aws.objects import Task

PAGE = 1000
OWNER = "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a"  # as moto has it
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


def list_parts(task: Task) -> Response:
    """List the parts of an upload; a page holds 1,000 of them at most."""
    query = task.request.query
    upload = task.bucket.multiparts[query["uploadId"]]
    after = _number(query, "part-number-marker", 0)
    most = min(_number(query, "max-parts", PAGE), PAGE)
    parts = [(number, upload.parts[number]) for number in sorted(upload.parts) if number > after]
    shown = parts[:most]
    described = [
        _element(
            "Part",
            PartNumber=number,
            LastModified=_time(part.last_modified),
            ETag=part.etag,
            Size=part.size,
        )
        for number, part in shown
    ]
    return _answer(
        "ListPartsResult",
        _elements(
            Bucket=task.request.bucket,
            Key=task.request.key,
            UploadId=upload.id,
            PartNumberMarker=after,
            NextPartNumberMarker=shown[-1][0] if shown else 0,
            MaxParts=most,
            IsTruncated=_bool(len(parts) > len(shown)),
        ),
        *described,
        _people(),
    )


def list_uploads(task: Task) -> Response:
    """List the uploads under way, by key and id; a page holds 1,000 of them at most."""
    query = task.request.query
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    key_marker, id_marker = query.get("key-marker", ""), query.get("upload-id-marker", "")
    most = min(_number(query, "max-uploads", PAGE), PAGE)
    encoded = query.get("encoding-type") == "url"
    found = sorted(
        (upload.key_name, upload.id, upload)
        for upload in task.bucket.multiparts.values()
        if upload.key_name.startswith(prefix) and _is_after(upload, key_marker, id_marker)
    )
    folded = {_folder(key, prefix, delimiter) for key, _, _ in found} - {""}
    listed = [one for one in found if not _folder(one[0], prefix, delimiter)]
    shown = listed[:most]
    write = quote if encoded else str
    last = shown[-1] if len(listed) > len(shown) and shown else ("", "", None)
    return _answer(
        "ListMultipartUploadsResult",
        _elements(
            Bucket=task.request.bucket,
            KeyMarker=write(key_marker),
            UploadIdMarker=id_marker,
            NextKeyMarker=write(last[0]),
            NextUploadIdMarker=last[1],
            Prefix=write(prefix),
            Delimiter=write(delimiter),
            MaxUploads=most,
            IsTruncated=_bool(len(listed) > len(shown)),
            **({"EncodingType": "url"} if encoded else {}),
        ),
        *(_upload(upload, write(key)) for key, _, upload in shown),
        *(_element("CommonPrefixes", Prefix=write(folder)) for folder in sorted(folded)),
    )


def _is_after(upload: Any, key_marker: str, id_marker: str) -> bool:
    if id_marker and upload.key_name == key_marker:
        return bool(upload.id > id_marker)
    return bool(upload.key_name > key_marker)


def _folder(key: str, prefix: str, delimiter: str) -> str:
    """Return the common prefix under which a key is listed; "" if it is listed itself."""
    rest = key.removeprefix(prefix)
    if not delimiter or delimiter not in rest:
        return ""
    return prefix + rest.partition(delimiter)[0] + delimiter


def _upload(upload: Any, key: str) -> str:
    begun = _elements(
        Key=key,
        UploadId=upload.id,
        StorageClass=upload.storage or "STANDARD",
        Initiated=_time(upload.initiated),
    )
    return f"<Upload>{begun}{_people()}</Upload>"


def _people() -> str:
    return _element("Initiator", ID=OWNER) + _element("Owner", ID=OWNER)


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, "") or str(default)
    if not re.fullmatch(r"[0-9]{1,10}", text) or int(text) > 2**31 - 1:
        raise invalid_argument(
            f"Argument {name} must be an integer between 0 and {2**31 - 1}", name, text
        )
    return int(text)


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"


def _bool(value: bool) -> str:
    return str(value).lower()


def _elements(**texts: object) -> str:
    return "".join(f"<{name}>{xml_text(str(text))}</{name}>" for name, text in texts.items())


def _element(outer: str, **texts: object) -> str:
    return f"<{outer}>{_elements(**texts)}</{outer}>"


def _answer(root: str, *inner: str) -> Response:
    declaration = '<?xml version="1.0" encoding="UTF-8"?>'
    document = f'{declaration}\n<{root} xmlns="{NAMESPACE}">{"".join(inner)}</{root}>'
    return Response(200, [("Content-Type", "application/xml")], document.encode())
