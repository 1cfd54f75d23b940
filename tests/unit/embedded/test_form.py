"""Forms are parsed, in whatever pieces they arrive."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.errors import S3Error
from embedded_aws.form import Form, boundary_of
from embedded_aws.messages import Request

BOUNDARY = b"boundary"


class Trickle(io.BytesIO):
    """A stream that gives a few bytes at a time."""

    def __init__(self, content: bytes, most: int) -> None:
        super().__init__(content)
        self._most = most

    def read(self, size: int | None = -1) -> bytes:
        return super().read(self._most if size is None or size < 0 else min(size, self._most))


def body_of(fields: list[tuple[str, bytes]], file: bytes = b"content") -> bytes:
    parts = [(f'name="{name}"', value) for name, value in fields]
    parts.append(('name="file"; filename="a.png"', file))
    return (
        b"".join(
            b"--%s\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n"
            % (BOUNDARY, head.encode(), value)
            for head, value in parts
        )
        + b"--%s--\r\n" % BOUNDARY
    )


@given(
    fields=st.dictionaries(st.sampled_from("abc"), st.text("x-\r\n ü", max_size=30)),
    file=st.binary(max_size=200) | st.text("-\r\nboundary", max_size=60).map(str.encode),
    step=st.integers(1, 100),
    most=st.integers(0, 250),
)
def test_form_is_read_the_same_however_it_arrives(
    fields: dict[str, str], file: bytes, step: int, most: int
) -> None:
    if b"--" + BOUNDARY in file:
        return
    body = body_of([(name, value.encode()) for name, value in fields.items()], file)
    target = io.BytesIO()

    form = Form(Trickle(body, step), BOUNDARY)
    size = form.save_file(target, most)

    assert form.fields == fields
    assert size == len(file)
    assert target.getvalue() == file[:most]


@given(content=st.binary(max_size=300), cut=st.integers(0, 300))
def test_body_is_refused_when_it_is_no_whole_form(content: bytes, cut: int) -> None:
    whole = body_of([("key", b"a")], content)

    for body in (content, whole[: min(cut, len(whole) - 5)]):
        with pytest.raises(S3Error, match="MalformedPOSTRequest"):
            Form(io.BytesIO(body), BOUNDARY).save_file(io.BytesIO(), 1000)


def of_type(content_type: str) -> Request:
    return Request("POST", "/bucket", "", (("content-type", content_type),), io.BytesIO(), {})


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "text/plain", "multipart/mixed", ""]
)
def test_post_is_refused_when_it_is_no_multipart_form(content_type: str) -> None:
    with pytest.raises(S3Error, match="PreconditionFailed") as refused:
        boundary_of(of_type(content_type))

    assert refused.value.status == 412


@pytest.mark.parametrize(
    "boundary", ["", "; boundary=", "; boundary*=utf-8''%C3%BC", f"; boundary={'x' * 71}"]
)
def test_form_is_refused_when_its_boundary_is_none(boundary: str) -> None:
    with pytest.raises(S3Error, match="MalformedPOSTRequest"):
        boundary_of(of_type(f"multipart/form-data{boundary}"))


PARTS = {
    "no disposition": b"No-Disposition: 1\r\n\r\nvalue",
    "no name": b"Content-Disposition: form-data\r\n\r\nvalue",
    "value not UTF-8": b'Content-Disposition: form-data; name="x-ignore-a"\r\n\r\n\xff\xfe',
    "name not UTF-8": b'Content-Disposition: form-data; name="\xff"\r\n\r\nvalue',
    "endless headers": b"x" * 400_000,
}


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_form_is_refused_when_a_part_is_malformed(part: bytes) -> None:
    body = b"--%s\r\n%s\r\n%s" % (BOUNDARY, part, body_of([("key", b"a")]))

    with pytest.raises(S3Error, match="MalformedPOSTRequest"):
        Form(io.BytesIO(body), BOUNDARY)


@pytest.mark.parametrize("name", ["key", "Content-Type", "tagging"])
def test_form_is_refused_when_a_field_comes_twice(name: str) -> None:
    with pytest.raises(S3Error, match=f"InvalidRequest: Conflicting.* {name.lower()} is repeated"):
        Form(io.BytesIO(body_of([(name, b"a"), (name.upper(), b"a")])), BOUNDARY)


@pytest.mark.parametrize("name", ["x-amz-meta-tag", "X-Amz-Security-Token"])
def test_values_are_joined_when_metadata_or_a_token_comes_twice(name: str) -> None:
    form = Form(io.BytesIO(body_of([(name, b"Ninja"), (name, b"Stallman")])), BOUNDARY)

    assert form.fields == {name.lower(): "Ninja,Stallman"}


def test_form_is_refused_when_it_has_two_files() -> None:
    second = b'--%s\r\nContent-Disposition: form-data; name="file"\r\n\r\n\r\n' % BOUNDARY
    body = body_of([("key", b"a")]).replace(b"--boundary--", second + b"--boundary--")
    form = Form(io.BytesIO(body), BOUNDARY)

    with pytest.raises(S3Error, match="InvalidArgument: POST requires exactly one file") as refused:
        form.save_file(io.BytesIO(), 1000)

    assert refused.value.details["ArgumentValue"] == "2"


@pytest.mark.parametrize(
    ("count", "size"), [(1, 20_500), (1, 100_000), (1, 10_000_000), (200, 100), (2000, 5000)]
)
def test_no_more_is_read_than_it_takes_to_refuse_too_large_fields(count: int, size: int) -> None:
    stream = io.BytesIO(body_of([(f"x-ignore-{n}", b"x" * size) for n in range(count)]))

    with pytest.raises(S3Error, match="MaxPostPreDataLengthExceeded") as refused:
        Form(stream, BOUNDARY)

    assert refused.value.details == {"MaxPostPreDataLengthBytes": "20480"}
    assert stream.tell() <= 2 * 64 * 1024


def test_form_is_refused_when_the_name_of_its_file_is_too_long() -> None:
    body = body_of([("key", b"a")]).replace(b"a.png", b"x" * 20_480)

    with pytest.raises(S3Error, match="MaxPostPreDataLengthExceeded"):
        Form(io.BytesIO(body), BOUNDARY)


def test_no_part_of_the_file_is_asked_for_before_it_is_saved() -> None:
    stream = io.BytesIO(body_of([("key", b"a")], b"x" * 10_000_000))

    form = Form(stream, BOUNDARY)

    assert form.fields == {"key": "a"}
    assert stream.tell() <= 64 * 1024


@pytest.mark.parametrize(
    ("filename", "expanded"),
    [
        ("a.png", "dir/a.png"),
        ("C:\\Program Files\\a.png", "dir/a.png"),
        ("../../a.png", "dir/a.png"),
        ("", "dir/"),
        ("${filename}", "dir/${filename}"),
        (None, "dir/${filename}"),
    ],
)
def test_filename_goes_into_a_field_without_its_path(filename: str | None, expanded: str) -> None:
    parameter = "" if filename is None else f'; filename="{filename}"'
    parameter = parameter.replace("\\", "\\\\")  # as in any quoted string of a header
    body = body_of([("key", b"dir/${filename}")]).replace(b'; filename="a.png"', parameter.encode())

    assert Form(io.BytesIO(body), BOUNDARY).fields == {"key": expanded}
