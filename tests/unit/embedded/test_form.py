"""Forms are parsed, in whatever pieces they arrive."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.errors import S3Error
from embedded_aws.form import Form, expand_filename

BOUNDARY = b"boundary"


class Trickle(io.BytesIO):
    """A stream that gives a few bytes at a time."""

    def __init__(self, content: bytes, most: int) -> None:
        super().__init__(content)
        self._most = most

    def read(self, size: int | None = -1) -> bytes:
        return super().read(self._most if size is None or size < 0 else min(size, self._most))


def body_of(fields: list[tuple[str, bytes]], file: bytes) -> bytes:
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
        with pytest.raises(S3Error):
            Form(io.BytesIO(body), BOUNDARY).save_file(io.BytesIO(), 1000)


@pytest.mark.parametrize("field_size", [20_500, 100_000, 10_000_000])
def test_no_more_is_read_than_it_takes_to_refuse_too_large_a_field(field_size: int) -> None:
    stream = io.BytesIO(body_of([("key", b"x" * field_size)], b"content"))

    with pytest.raises(S3Error, match="MaxPostPreDataLengthExceeded"):
        Form(stream, BOUNDARY)

    assert stream.tell() <= 2 * 64 * 1024


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
    assert expand_filename("dir/${filename}", filename) == expanded
