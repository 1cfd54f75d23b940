"""The stores of files in memory agree with the embedded ones: one suite of operations on both.

Beside ``test_agreement.py``, which compares what files and pictures share: how keys are listed, and
objects put and deleted. Times are left out, and so are the ids that S3 gives to multipart uploads.
"""

import ast
import inspect
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import urllib3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from avatars.references import Stores
from aws.bucket import S3Bucket, live_bucket
from aws.direct import NewObject, PresignedRequest
from aws.errors import (
    AlreadyWritten,
    LimitReached,
    ObjectMissing,
    PartsRefused,
    RevisionMoved,
    StorageUnavailable,
    UploadMissing,
)
from aws.multipart import OpenPage
from aws.table import QueryPage
from aws.tally import Counts, Tally
from files.items import Entry, Name, Pointer, State, entry_key, name_key, pointer_key, usage_key
from files.references import EntryTable, live_items
from files.stores import FileBucket, FileStores, Items, Usage, live_stores
from tests.simulation.memory import MemoryBucket, MemoryItems, MemoryTally
from tests.simulation.storage import Storage
from tests.simulation.test_agreement import parameters

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
MIB = 1024 * 1024
KEY = "files/kim/a"
REFUSALS = (
    *(AlreadyWritten, LimitReached, ObjectMissing, PartsRefused, RevisionMoved),
    *(StorageUnavailable, UploadMissing),
)


@dataclass
class Side:
    """The stores of one side, a browser's requests to its bucket, and reads past the gateways."""

    stores: FileStores
    put_once: Callable[[str, PresignedRequest, bytes], None]
    put_part: Callable[[str, str, int, bytes], None]
    tags: Callable[[str], dict[str, str]]
    scan: Callable[[], list[Any]]
    uploads: dict[str, str] = field(default_factory=dict)  # S3's id of each multipart, by key

    @property
    def bucket(self) -> FileBucket:
        """The bucket."""
        return self.stores.bucket


def memory() -> Side:
    """Return an empty storage of the simulation."""
    storage = Storage.empty(())
    bucket = storage.bucket

    def put_part(key: str, upload_id: str, number: int, body: bytes) -> None:
        bucket.put_part(key, upload_id=upload_id, number=number, body=body)

    return Side(
        FileStores(
            bucket, storage.entries, storage.names, storage.pointers, storage.usage, later=None
        ),
        lambda key, request, body: bucket.put_once(key, request.headers, body),
        put_part,
        lambda key: dict(bucket.objects[key].tags),
        lambda: list(storage.items.scan()),
    )


def embedded() -> Side:
    """Return the product's gateways to the embedded AWS."""
    stores = live_stores()

    def put_part(key: str, upload_id: str, number: int, body: bytes) -> None:
        request = stores.bucket.presigned_part(
            key,
            upload_id=upload_id,
            number=number,
            size=len(body),
            seconds=60,
            now=datetime.now(UTC),
        )
        sent(request, body)

    return Side(
        stores,
        lambda key, request, body: sent(request, body),
        put_part,
        lambda key: live_bucket().details(key).tags,
        lambda: list(live_items().scan()),
    )


def sent(request: PresignedRequest, body: bytes) -> None:
    """Send a presigned request as a browser does."""
    with urllib3.PoolManager() as http:
        answer = http.request("PUT", request.url, body=body, headers=request.headers, retries=False)
    if answer.status == 412:
        raise AlreadyWritten
    if answer.status == 404:
        raise UploadMissing
    assert answer.status == 200, answer.data


@pytest.fixture(params=["memory", "embedded"])
def side(request: pytest.FixtureRequest) -> Side:
    """Return both sides, one after the other, each of them empty."""
    if request.param == "memory":
        return memory()
    request.getfixturevalue("aws")
    return embedded()


def wanted(key: str = KEY, body: bytes = b"hello", *, name: str = "n") -> NewObject:
    """Return an object as begin describes it."""
    return NewObject(
        key, len(body), "text/plain", {"owner": "kim", "name": name, "size": str(len(body))}
    )


def put(side: Side, key: str = KEY, body: bytes = b"hello", *, name: str = "n") -> None:
    """Send an object as a browser does."""
    request = side.bucket.presigned_put(
        wanted(key, body, name=name), tags={"Status": "Pending"}, seconds=60, now=datetime.now(UTC)
    )
    side.put_once(key, request, body)


def facts(side: Side, key: str = KEY) -> dict[str, Any]:
    """Return what HEAD says but for the time, and the tags."""
    found = asdict(side.bucket.head(key))
    del found["last_modified"]
    return {**found, "metadata": dict(found["metadata"]), "tags": side.tags(key)}


HELLO: dict[str, Any] = {
    "size": 5,
    "content_type": "text/plain",
    "etag": "5d41402abc4b2a76b9719d911017c592",
    "metadata": {"owner": "kim", "name": "n", "size": "5"},
    "tags": {"Status": "Pending"},
    "encoding": "",
}


# --- Objects ---


def test_presigned_requests_are_alike_but_for_their_urls(aws: Stores) -> None:
    sides = [embedded(), memory()]
    for headers in (
        [
            side.bucket.presigned_put(wanted(), tags={"a": "b c"}, seconds=60, now=NOW)
            for side in sides
        ],
        [
            side.bucket.presigned_part(
                KEY, upload_id="x", number=1, size=5, seconds=60, now=datetime.now(UTC)
            )
            for side in sides
        ],
    ):
        assert headers[0].headers == headers[1].headers
    urls = [
        side.bucket.presigned_download(
            KEY, disposition="attachment", content_type="a/b", seconds=60, now=NOW
        )
        for side in sides
    ]
    assert all(KEY in url for url in urls)


def test_object_is_as_it_was_signed_when_put(side: Side) -> None:
    put(side)
    assert facts(side) == HELLO
    assert side.bucket.exists(KEY)
    assert side.bucket.checksum(KEY) is None


def test_second_put_is_refused_and_changes_nothing_while_there_is_an_object(side: Side) -> None:
    put(side)
    with pytest.raises(AlreadyWritten):
        put(side, body=b"other", name="m")
    assert facts(side) == HELLO
    side.bucket.delete([KEY])
    put(side, body=b"other", name="m")
    assert side.bucket.read(KEY, start=0, length=9) == b"other"


def test_tags_go_and_nothing_else_when_they_are_taken_off(side: Side) -> None:
    put(side)
    side.bucket.untag(KEY)
    assert facts(side) == {**HELLO, "tags": {}}
    side.bucket.untag(KEY)
    assert facts(side) == {**HELLO, "tags": {}}


def test_bytes_are_read_from_where_they_are_asked_for(side: Side) -> None:
    put(side)
    read = side.bucket.read
    assert (read(KEY, start=0, length=5), read(KEY, start=0, length=99)) == (b"hello", b"hello")
    assert (read(KEY, start=1, length=2), read(KEY, start=4, length=5)) == (b"el", b"o")
    with pytest.raises(StorageUnavailable):
        read(KEY, start=5, length=1)


def test_copy_has_the_bytes_and_tags_of_its_source_and_else_what_is_wanted(side: Side) -> None:
    put(side)
    restored = {**HELLO["metadata"], "restores": "f"}
    side.bucket.copy(KEY, NewObject("files/kim/b", 5, "text/html", restored))
    side.bucket.untag(KEY)
    side.bucket.copy(KEY, NewObject("files/kim/c", 5, HELLO["content_type"], HELLO["metadata"]))
    wanted = {"content_type": "text/html", "metadata": restored}
    assert facts(side, "files/kim/b") == {**HELLO, **wanted}
    assert facts(side, "files/kim/c") == {**HELLO, "tags": {}}
    side.bucket.put("x", b"", content_type="a/b", cache_control="no-store")
    side.bucket.copy(KEY, NewObject("x", 5, HELLO["content_type"], HELLO["metadata"]))
    assert facts(side, "x") == {**HELLO, "tags": {}}
    assert len(side.bucket.list_page(prefix="files/kim/").objects) == 3


def test_absent_object_is_missing_to_every_request(side: Side) -> None:
    put(side)
    for key in ("files/kim/A", "files/kim/", "files/kim/a/"):
        for call in (
            lambda key=key: side.bucket.head(key),
            lambda key=key: side.bucket.untag(key),
            lambda key=key: side.bucket.read(key, start=0, length=1),
            lambda key=key: side.bucket.checksum(key),
            lambda key=key: side.bucket.copy(key, NewObject("x", 5, "a/b", {})),
        ):
            with pytest.raises(ObjectMissing):
                call()
    assert not side.bucket.exists("x")


# --- Multiparts ---

FIRST, LAST = b"x" * 5 * MIB, b"last"


def begun(side: Side, key: str = KEY, parts: Mapping[int, bytes] | None = None) -> str:
    """Begin an upload in parts, and send some."""
    upload_id = side.bucket.begin_multipart(wanted(key, FIRST + LAST))
    for number, body in (parts if parts is not None else {2: LAST, 1: FIRST}).items():
        side.put_part(key, upload_id, number, body)
    return upload_id


def test_object_is_made_of_its_parts_when_they_are_complete(side: Side) -> None:
    upload_id = begun(side)
    parts = side.bucket.parts(KEY, upload_id=upload_id)
    assert [(part.number, part.size) for part in parts] == [(1, 5 * MIB), (2, 4)]
    assert not side.bucket.exists(KEY)

    side.bucket.complete(KEY, upload_id=upload_id, parts=parts, size=5 * MIB + 4)

    assert facts(side) == {
        "size": 5 * MIB + 4,
        "content_type": "text/plain",
        "etag": "17926787918b1239bb06a4a5ef4fcc07-2",
        "metadata": {"owner": "kim", "name": "n", "size": str(5 * MIB + 4)},
        "tags": {},
        "encoding": "",
    }
    assert side.bucket.read(KEY, start=5 * MIB - 1, length=9) == b"xlast"
    for call in (
        lambda: side.bucket.parts(KEY, upload_id=upload_id),
        lambda: side.bucket.complete(KEY, upload_id=upload_id, parts=parts, size=5 * MIB + 4),
        lambda: side.put_part(KEY, upload_id, 1, b"late"),
    ):
        with pytest.raises(UploadMissing):
            call()


def test_part_is_replaced_when_it_is_sent_again(side: Side) -> None:
    upload_id = begun(side, parts={1: b"one"})
    before = side.bucket.parts(KEY, upload_id=upload_id)
    side.put_part(KEY, upload_id, 1, b"other")
    parts = side.bucket.parts(KEY, upload_id=upload_id)
    assert [(part.number, part.size) for part in parts] == [(1, 5)]
    with pytest.raises(PartsRefused):
        side.bucket.complete(KEY, upload_id=upload_id, parts=before, size=3)
    side.bucket.complete(KEY, upload_id=upload_id, parts=parts, size=5)
    assert side.bucket.read(KEY, start=0, length=9) == b"other"


def test_parts_are_given_past_a_number(side: Side) -> None:
    upload_id = begun(side, parts={1: b"a", 3: b"bb", 2: b"ccc"})

    def sizes(after: int) -> tuple[list[int], bool]:
        page = side.bucket.parts_page(KEY, upload_id=upload_id, after=after)
        return [part.size for part in page.parts], page.more

    assert [sizes(0), sizes(1), sizes(3)] == [([1, 3, 2], False), ([3, 2], False), ([], False)]


@pytest.mark.parametrize("wrong", ["size", "etag", "number", "order"])
def test_parts_are_refused_and_stay_when_they_are_not_what_was_sent(side: Side, wrong: str) -> None:
    upload_id = begun(side)
    first, last = side.bucket.parts(KEY, upload_id=upload_id)
    parts, size = [first, last], 5 * MIB + 4
    if wrong == "size":
        size += 1
    elif wrong == "etag":
        parts = [first, replace(last, etag=first.etag)]
    elif wrong == "number":
        parts = [first, replace(last, number=3)]
    else:
        parts = [last, first]
    with pytest.raises(PartsRefused):
        side.bucket.complete(KEY, upload_id=upload_id, parts=parts, size=size)
    assert not side.bucket.exists(KEY)
    assert len(side.bucket.parts(KEY, upload_id=upload_id)) == 2


def test_multipart_is_not_completed_over_an_object(side: Side) -> None:
    upload_id = begun(side, parts={1: b"parts"})
    put(side)
    parts = side.bucket.parts(KEY, upload_id=upload_id)
    with pytest.raises(AlreadyWritten):
        side.bucket.complete(KEY, upload_id=upload_id, parts=parts, size=5)
    assert facts(side) == HELLO
    assert side.bucket.parts(KEY, upload_id=upload_id) == parts


def test_nothing_is_left_of_a_multipart_that_is_aborted(side: Side) -> None:
    upload_id = begun(side, parts={1: b"parts"})
    side.bucket.abort_multipart(KEY, upload_id=upload_id)
    side.bucket.abort_multipart(KEY, upload_id=upload_id)
    with pytest.raises(UploadMissing):
        side.bucket.parts(KEY, upload_id=upload_id)
    assert opened(side.bucket.open_multiparts(prefix="")) == ([], False)
    assert not side.bucket.exists(KEY)


def opened(page: OpenPage) -> tuple[list[str], bool]:
    """Return the keys of a page of open uploads, and whether there are more."""
    return [found.key for found in page.uploads], page.next_after is not None


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 1000])
@pytest.mark.parametrize("prefix", ["", "files/", "files/a/", "files/b", "x"])
def test_open_multiparts_are_listed_by_key_whatever_the_page(
    side: Side, prefix: str, limit: int
) -> None:
    keys = ["files/a/2", "files/b/1", "files/a/1", "filesx"]
    for key in keys:
        begun(side, key, parts={})
    found: list[str] = []
    page = side.bucket.open_multiparts(prefix=prefix, limit=limit)
    found += opened(page)[0]
    while page.next_after:
        assert len(page.uploads) == limit
        page = side.bucket.open_multiparts(prefix=prefix, after=page.next_after, limit=limit)
        found += opened(page)[0]
    assert found == [key for key in sorted(keys) if key.startswith(prefix)]


# --- Items ---

ENTRY = Entry(
    owner_id="kim",
    upload_id="1",
    revision="r1",
    updated_at=NOW,
    state=State.READY,
    name="ä/b.txt",
    size=5,
    content_type="text/plain",
    etag="e",
    created_at=NOW,
    attempt="r1",
)
NAME = Name(
    owner_id="kim", name="ä/b.txt", revision="r1", updated_at=NOW, file_id="f", versions=("1",)
)
POINTER = Pointer(file_id="f", revision="r1", updated_at=NOW, owner_id="kim", name="ä/b.txt")


def test_items_are_absent_until_they_are_written(side: Side) -> None:
    stores = side.stores
    assert stores.entries.read(entry_key("kim", "1")) == Entry(owner_id="kim", upload_id="1")
    assert stores.names.read(name_key("kim", "a")) == Name(owner_id="kim", name="a")
    assert stores.pointers.read(pointer_key("f")) == Pointer(file_id="f")
    assert stores.usage.read(usage_key("kim")) == Counts(usage_key("kim"), EMPTY)
    assert (side.scan(), stores.entries.read_many([])) == ([], {})


def test_items_are_read_as_they_were_written_each_kind_by_its_own(side: Side) -> None:
    stores = side.stores
    stores.entries.replace(Entry(owner_id="kim", upload_id="1"), ENTRY)
    stores.names.replace(Name(owner_id="kim", name="ä/b.txt"), NAME)
    stores.pointers.replace(Pointer(file_id="f"), POINTER)
    stores.usage.add(usage_key("kim"), {"bytes_used": 5, "file_count": 1}, now=NOW)

    assert stores.entries.read(entry_key("kim", "1")) == ENTRY
    assert stores.names.read(name_key("kim", "ä/b.txt")) == NAME
    assert stores.pointers.read(pointer_key("f")) == POINTER
    found = {type(item).__name__: item for item in side.scan()}
    assert (found["Entry"], found["Name"], found["Pointer"]) == (ENTRY, NAME, POINTER)
    assert (found["Usage"].bytes_used, found["Usage"].updated_at) == (5, NOW)


STEPS: list[Callable[[Entry], Entry]] = [
    lambda entry: entry.changed(now=NOW, file_id="f", version=0, superseded=True),
    lambda entry: entry.changed(now=NOW, superseded=False, notified_at=NOW),
    lambda entry: entry.changed(
        now=NOW, processed_at=NOW, digest="d", digest_kind="SHA256", width=1, height=2
    ),
    lambda entry: entry.changed(now=NOW, state=State.REFUSED, reason="bad_name", version=None),
    lambda entry: entry.deleted(now=NOW),
]


def test_entry_is_replaced_as_a_whole_when_its_revision_is_the_one_read(side: Side) -> None:
    before = Entry(owner_id="kim", upload_id="1")
    for step in [lambda _: ENTRY, *STEPS]:
        after = step(before)
        side.stores.entries.replace(before, after)
        assert side.stores.entries.read(entry_key("kim", "1")) == after
        before = after


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("seen", [None, "r1", "other"])
def test_items_are_replaced_only_when_their_revision_is_the_one_read(
    side: Side, there: bool, seen: str | None
) -> None:
    stores = side.stores
    tables: list[tuple[Items[Any], Any, Any]] = [
        (stores.entries, entry_key("kim", "1"), ENTRY),
        (stores.names, name_key("kim", "ä/b.txt"), NAME),
        (stores.pointers, pointer_key("f"), POINTER),
    ]
    for table, key, item in tables:
        absent = table.read(key)
        if there:
            table.replace(absent, item)
        standing = item if there else absent
        after = replace(item, revision="next")
        if seen == standing.revision:
            table.replace(replace(item, revision=seen), after)
            assert table.read(key) == after
        else:
            with pytest.raises(RevisionMoved):
                table.replace(replace(item, revision=seen), after)
            assert table.read(key) == standing


def test_many_are_read_at_once_when_some_are_there(side: Side) -> None:
    side.stores.entries.replace(Entry(owner_id="kim", upload_id="1"), ENTRY)
    keys = [entry_key("kim", str(number)) for number in (2, 1, *range(3, 120))]
    found = side.stores.entries.read_many([*keys, keys[0]])
    assert list(found) == keys
    assert found[keys[1]] == ENTRY
    assert found[keys[0]] == Entry(owner_id="kim", upload_id="2")


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6, 100])
def test_query_goes_through_one_owner_and_kind_whatever_the_page(
    side: Side, limit: int, descending: bool
) -> None:
    ids = ["1", "10", "2", "é", "😀"]
    for owner in ("kim", "ki"):
        for upload_id in ids:
            absent = Entry(owner_id=owner, upload_id=upload_id)
            entry = replace(ENTRY, owner_id=owner, upload_id=upload_id)
            side.stores.entries.replace(absent, entry)
    side.stores.names.replace(Name(owner_id="kim", name="ä/b.txt"), NAME)
    found: list[str] = []
    page = QueryPage[Entry]([], "F#")
    after = ""
    while page.next_after:
        page = side.stores.entries.query(
            "O#kim", prefix="F#", after=after, limit=limit, descending=descending
        )
        assert len(page.values) <= limit
        assert {entry.owner_id for entry in page.values} <= {"kim"}
        found += [entry.upload_id for entry in page.values]
        after = page.next_after
        assert after in {"", f"F#{found[-1]}"}
    assert found == (ids[::-1] if descending else ids)
    assert side.stores.entries.query("O#kim", prefix="F#1", limit=9).values[1].upload_id == "10"


# --- Numbers ---

EMPTY = {"bytes_used": 0, "file_count": 0}
USAGE = usage_key("kim")


def told(side: Side, call: Callable[[Usage], object]) -> object:
    """Return what a call comes to, and the numbers after it."""
    try:
        answer: object = call(side.stores.usage)
    except REFUSALS as error:
        answer = type(error)
    return answer, side.stores.usage.read(USAGE)


def adding(size: int, most: int | None) -> Callable[[Usage], object]:
    at_most = None if most is None else {"bytes_used": most, "file_count": 3}
    amounts = {"bytes_used": size, "file_count": 1 if size > 0 else -1}
    return lambda usage: usage.add(USAGE, amounts, now=NOW, at_most=at_most)


def correcting(age: int, size: int) -> Callable[[Usage], object]:
    def call(usage: Usage) -> None:
        current = usage.read(USAGE)
        before = replace(current, moves=max(0, current.moves - age))
        usage.correct(before, {"bytes_used": size, "file_count": 1}, now=NOW)

    return call


CALLS = st.one_of(
    st.builds(adding, st.integers(1, 5), st.sampled_from([None, 4, 9])),
    st.builds(adding, st.integers(-5, -1), st.none()),
    st.builds(correcting, st.integers(0, 1), st.integers(0, 9)),
    st.just(lambda usage: usage.close(USAGE, now=NOW)),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(calls=st.lists(CALLS, max_size=8))
def test_numbers_are_the_same_whatever_is_asked(
    aws: Stores, calls: list[Callable[[Usage], object]], request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("embedded_aws").restore(request.getfixturevalue("provisioned"))
    sides = embedded(), memory()
    for call in calls:
        real, twin = (told(side, call) for side in sides)
        assert real == twin


# --- Nothing is left out ---


@pytest.mark.parametrize(
    ("protocol", "real", "twin"),
    [
        (FileBucket, S3Bucket, MemoryBucket),
        (Items, EntryTable, MemoryItems),
        (Usage, Tally, MemoryTally),
    ],
)
def test_every_method_of_a_protocol_is_compared_above(
    protocol: type, real: type, twin: type
) -> None:
    tree = ast.parse(Path(__file__).read_text())
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names = [name for name in vars(protocol) if not name.startswith("_")]
    assert len(names) >= 4

    assert set(names) <= called
    for name in names:
        wanted = parameters(getattr(protocol, name))
        assert parameters(getattr(twin, name)) == wanted
        # The real one may take more from others, who must name it.
        given = inspect.signature(getattr(real, name)).parameters
        more = {each for each, one in given.items() if one.default is not one.empty}
        known = {each for each, *_rest in wanted}
        found = parameters(getattr(real, name))
        assert [one for one in found if one[0] in known or one[0] not in more] == wanted
