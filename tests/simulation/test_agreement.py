"""S3 and DynamoDB in memory agree with the embedded ones: one suite of operations runs on both.

What the simulation shows of the services is true only as far as its stores behave like the real
gateways. Times are left out, and so is the order of a scan: DynamoDB has none.
"""

import ast
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pytest
import urllib3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from avatars.models import AvatarItem
from avatars.references import Avatar, AvatarTable, Reference, Stores
from aws.bucket import Listing, S3Bucket, live_bucket
from aws.errors import ObjectMissing, ObjectTooLarge, RevisionMoved
from aws.policies import PresignedPost, upload_policy
from tests.simulation.memory import MemoryBucket, MemoryReferences
from uploads.stores import Bucket, References

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
AVATAR = Avatar("avatars/a/x.webp", "upload", "image/webp", 1234, 512, 512, "f" * 64)
WEBP = {"content_type": "image/webp", "cache_control": "immutable"}
# The prefix is a key itself, differs by case, continues with what sorts before and after "/",
# and goes on beyond ASCII and beyond 16 bits, where the order of bytes and of UTF-16 differ.
KEYS = [
    "a",
    "A/1",
    "a!",
    "a/",
    "a/1",
    "a/B",
    "a/b",
    "a/b/c",
    "a/é",
    "a/￮",
    "a/😀",
    "a0",
    "ab/1",
    "é/1",
]
OWNERS = ["a", "A", "ab", "a/b", "é", "<b>", "0"]


class Content(NamedTuple):
    """Everything about an object but its times."""

    body: bytes
    content_type: str
    metadata: dict[str, str]
    tags: dict[str, str]


class Side(Protocol):
    """A bucket and a table, a browser's requests to the bucket, and reads past the gateways."""

    @property
    def bucket(self) -> Bucket: ...
    @property
    def references(self) -> References[Reference]: ...

    def post(self, form: PresignedPost, body: bytes) -> None: ...
    def tags(self, key: str) -> dict[str, str]: ...


@dataclass
class Memory:
    """The simulation's."""

    bucket: MemoryBucket
    references: MemoryReferences

    def post(self, form: PresignedPost, body: bytes) -> None:
        self.bucket.post(form.fields, body)

    def tags(self, key: str) -> dict[str, str]:
        return dict(self.bucket.objects[key].tags)


@dataclass
class Embedded:
    """The product's gateways, to the embedded AWS."""

    bucket: Bucket
    references: References[Reference]

    def post(self, form: PresignedPost, body: bytes) -> None:
        fields: dict[str, Any] = {**form.fields, "file": ("me.png", body)}
        with urllib3.PoolManager() as http:
            answer = http.request("POST", form.url, fields=fields, retries=False)
        assert answer.status == 201, answer.data

    def tags(self, key: str) -> dict[str, str]:
        return live_bucket().details(key).tags

    def empty(self) -> None:
        """Delete everything, which is faster than making a new bucket."""
        self.bucket.delete([found.key for found in self.bucket.list_page().objects])
        for reference in self.references.scan():
            AvatarItem(reference.owner_id).delete()


def memory() -> Memory:
    return Memory(MemoryBucket.empty(lambda: datetime.now(UTC)), MemoryReferences.empty())


@pytest.fixture(params=["memory", "embedded"])
def side(request: pytest.FixtureRequest) -> Side:
    """Return both sides, one after the other, each of them empty."""
    if request.param == "memory":
        return memory()
    aws: Stores = request.getfixturevalue("aws")
    return Embedded(aws.bucket, aws.references)


def form_of(side: Side, key: str, *, owner: str = "kim", content_type: str = "image/png") -> Any:
    """Return the form that a browser is given for an upload at ``key``."""
    policy = upload_policy(
        key=key, owner_id=owner, upload_token=f"t:{owner}", content_type=content_type, max_bytes=100
    )
    return side.bucket.presigned_post(policy, seconds=60, now=datetime.now(UTC))


def content(side: Side, key: str) -> Content:
    """Return everything about the object at ``key``."""
    found = side.bucket.fetch(key, max_bytes=1000)
    tags = side.tags(key)
    assert found.tag_count == (len(tags) or None)
    assert side.bucket.tags(key) == tags
    return Content(found.body, found.content_type, found.metadata, tags)


def listed(listing: Listing) -> tuple[list[tuple[str, int]], str]:
    """Return the keys and sizes of a page, and where the next one begins."""
    return [(found.key, found.size) for found in listing.objects], listing.next_after


# --- The bucket ---


def test_form_holds_the_same_fields_on_both_sides_but_for_the_signature(aws: Stores) -> None:
    policy = upload_policy(
        key="pending/a/1", owner_id="a", upload_token="t", content_type="image/png", max_bytes=9
    )
    real, twin = (
        bucket.presigned_post(policy, seconds=60, now=NOW)
        for bucket in (aws.bucket, memory().bucket)
    )

    signature = {"policy", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature"}
    assert {name: real.fields[name] for name in real.fields.keys() - signature} == twin.fields
    assert real.expires_at == twin.expires_at


def test_object_is_as_the_form_said_when_posted(side: Side) -> None:
    side.post(form_of(side, "pending/a/1"), b"pixels")

    assert content(side, "pending/a/1") == Content(
        b"pixels",
        "image/png",
        {"owner": "kim", "upload-token": "t:kim"},
        {"Status": "Pending", "upload-token": "t:kim"},
    )


def test_object_is_replaced_as_a_whole_when_posted_again(side: Side) -> None:
    side.post(form_of(side, "pending/a/1"), b"pixels")

    side.post(form_of(side, "pending/a/1", owner="pat", content_type="image/gif"), b"other")

    assert content(side, "pending/a/1") == Content(
        b"other",
        "image/gif",
        {"owner": "pat", "upload-token": "t:pat"},
        {"Status": "Pending", "upload-token": "t:pat"},
    )


def test_metadata_and_tags_are_gone_when_an_object_is_put_over_a_posted_one(side: Side) -> None:
    side.post(form_of(side, "x"), b"pixels")

    side.bucket.put("x", b"", **WEBP)

    assert content(side, "x") == Content(b"", "image/webp", {}, {})
    side.post(form_of(side, "x"), b"again")
    assert content(side, "x").tags == {"Status": "Pending", "upload-token": "t:kim"}


@pytest.mark.parametrize("max_bytes", [0, 4, 5, 6])
def test_object_is_fetched_when_no_larger_than_the_reader_accepts(
    side: Side, max_bytes: int
) -> None:
    side.bucket.put("x", b"12345", **WEBP)
    side.bucket.put("empty", b"", **WEBP)

    if max_bytes < 5:
        with pytest.raises(ObjectTooLarge):
            side.bucket.fetch("x", max_bytes=max_bytes)
    else:
        assert side.bucket.fetch("x", max_bytes=max_bytes).body == b"12345"
    assert side.bucket.fetch("empty", max_bytes=max_bytes).body == b""


def test_absent_objects_are_missing_and_can_be_deleted(side: Side) -> None:
    side.bucket.put("a/B", b"x", **WEBP)

    for key in ("a/b", "a", "a/", "a/B/", "A/B"):
        with pytest.raises(ObjectMissing):
            side.bucket.fetch(key, max_bytes=10)
        with pytest.raises(ObjectMissing):
            side.bucket.tags(key)
        assert not side.bucket.exists(key)
    side.bucket.delete(["a/b", "a", "a/", "A/B"])
    side.bucket.delete([])
    assert side.bucket.exists("a/B")

    side.bucket.delete(["a/b", "a/B", "a/B", "c"])
    assert not side.bucket.exists("a/B")

    side.bucket.put("a/B", b"x", **WEBP)
    side.bucket.discard(["a/B", "a/b"])
    assert not side.bucket.exists("a/B")


def expected(prefix: str, after: str, limit: int) -> tuple[list[tuple[str, int]], str]:
    """Return S3's documented order of a listing: that of the keys' bytes in UTF-8."""
    keys = sorted(KEYS, key=str.encode)
    found = [key for key in keys if key.startswith(prefix) and key.encode() > after.encode()]
    return [(key, KEYS.index(key)) for key in found[:limit]], (
        found[limit - 1] if len(found) > limit else ""
    )


@pytest.mark.parametrize("prefix", ["", "a", "a/", "A", "a/b", "é", "a/\uffee", "b", "zz"])
def test_listing_is_what_s3_documents_whatever_it_begins_behind(side: Side, prefix: str) -> None:
    for size, key in enumerate(KEYS):
        side.bucket.put(key, b"x" * size, **WEBP)
    queries = [
        (after, limit)
        for after in ["", *KEYS, "a/2", "a/z", "B", "z", "ü"]
        for limit in (1, 2, 3, 14, 1000)
    ]

    found = {
        (after, limit): listed(side.bucket.list_page(prefix=prefix, after=after, limit=limit))
        for after, limit in queries
    }

    assert found == {(after, limit): expected(prefix, after, limit) for after, limit in queries}


@pytest.mark.parametrize("limit", [1, 3, 4, 7, 14])
def test_listing_goes_on_without_loss_when_its_pages_are_deleted_meanwhile(
    side: Side, limit: int
) -> None:
    for key in KEYS:
        side.bucket.put(key, b"x", **WEBP)
    found: list[str] = []
    after = ""

    for _ in range(-(-len(KEYS) // limit)):
        page = side.bucket.list_page(after=after, limit=limit)
        found += [row.key for row in page.objects]
        side.bucket.delete([row.key for row in page.objects])
        after = page.next_after

    assert after == ""
    assert found == sorted(KEYS, key=str.encode)
    assert listed(side.bucket.list_page()) == ([], "")


def test_listing_tells_when_an_object_was_last_written(side: Side) -> None:
    """S3 gives the time in seconds."""
    before = datetime.now(UTC) - timedelta(seconds=1)
    side.bucket.put("x", b"1", **WEBP)

    assert before <= side.bucket.list_page().objects[0].last_modified <= datetime.now(UTC)


# --- The table ---


def test_references_are_empty_when_there_are_no_items(side: Side) -> None:
    assert side.references.read("a") == Reference("a")
    assert side.references.read_many([]) == {}
    assert side.references.read_many(["b", "a"]) == {"a": Reference("a"), "b": Reference("b")}
    assert list(side.references.scan()) == []
    assert list(side.references.scan(limit=1)) == []


STEPS: list[Callable[[Reference], Reference]] = [
    lambda found: found.pointing_at(AVATAR, now=NOW),
    lambda found: found.fenced(now=NOW + timedelta(days=1)),
    lambda found: found.removed(now=NOW),
    lambda found: found.pointing_at(replace(AVATAR, upload_id="other"), now=NOW),
    lambda found: found.emptied(now=NOW),
    lambda found: found.closed(now=NOW),
]


def test_item_is_replaced_as_a_whole_when_its_revision_is_the_one_read(side: Side) -> None:
    before = Reference("a")

    for step in STEPS:
        after = step(before)
        side.references.replace(before, after)
        assert side.references.read("a") == after
        assert side.references.read("A") == Reference("A")
        before = after


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("seen", [None, "mine", "other"])
def test_item_is_replaced_only_when_its_revision_is_the_one_read(
    side: Side, there: bool, seen: str | None
) -> None:
    standing = (
        Reference("a", revision="mine", avatar=AVATAR, updated_at=NOW) if there else Reference("a")
    )
    if there:
        side.references.replace(Reference("a"), standing)
    after = Reference("a", revision="next", updated_at=NOW)

    if seen == standing.revision:
        side.references.replace(Reference("a", revision=seen), after)
        assert side.references.read("a") == after
    else:
        with pytest.raises(RevisionMoved):
            side.references.replace(Reference("a", revision=seen), after)
        assert side.references.read("a") == standing


def fill(side: Side, owners: Iterable[str] = OWNERS) -> dict[str, Reference]:
    """Write an item for each of ``owners``; return them."""
    items = {owner: Reference(owner, f"revision {owner}", AVATAR, NOW) for owner in owners}
    for owner, item in items.items():
        side.references.replace(Reference(owner), item)
    return items


def test_references_of_many_are_read_when_some_have_items(side: Side) -> None:
    items = fill(side)
    absent = [f"absent{number}" for number in range(120)]

    found = side.references.read_many([*absent, *OWNERS, "a", "absent0"])

    assert list(found) == [*absent, *OWNERS]
    assert found == {owner: items.get(owner, Reference(owner)) for owner in [*absent, *OWNERS]}


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_scan_goes_on_without_loss_or_repetition_when_it_is_cut_into_pages(
    side: Side, limit: int
) -> None:
    items = fill(side)
    found: list[Reference] = []

    # One page more than there can be shows that the last one is empty, and ends in any case.
    for _ in range(len(items) // limit + 2):
        page = list(side.references.scan(after=found[-1].owner_id if found else "", limit=limit))
        assert len(page) <= limit
        found += page

    assert page == []
    assert len(found) == len(items)
    assert {reference.owner_id: reference for reference in found} == items
    assert list(side.references.scan()) == found, "its order is the same each time"


def test_scan_shows_a_page_as_it_was_read_when_items_change_meanwhile(side: Side) -> None:
    items = fill(side)
    scan = side.references.scan()

    first = next(scan)
    for item in items.values():
        side.references.replace(item, item.removed(now=NOW))
    side.references.replace(Reference("zz"), Reference("zz", "1", updated_at=NOW))

    assert {found.owner_id: found for found in [first, *scan]} == items


# --- Anything, in any order ---


@dataclass
class History:
    """Both sides, and all references written so far, any of which may be read stale."""

    sides: tuple[Side, Side]
    written: list[Reference]

    def both(self, call: Callable[[Side], object]) -> object:
        """Return what both sides answer, which must be the same."""
        embedded, twin = (told(call, side) for side in self.sides)
        assert embedded == twin
        return twin


def told(call: Callable[[Side], object], side: Side) -> object:
    """Return the answer, or the type of the error, without times."""
    try:
        answer = call(side)
    except (ObjectMissing, ObjectTooLarge, RevisionMoved) as error:
        return type(error)
    return listed(answer) if isinstance(answer, Listing) else answer


Operation = Callable[[History], object]
SOME_KEYS = st.sampled_from(["a", "a/", "a/b", "A/b", "a/é", "a0"])
SOME_OWNERS = st.sampled_from(["a", "A", "b"])
BODIES = st.binary(min_size=1, max_size=4)
SIZES = st.integers(0, 4)


def put(key: str, body: bytes) -> Operation:
    return lambda history: history.both(lambda side: side.bucket.put(key, body, **WEBP))


def post(key: str, owner: str, body: bytes) -> Operation:
    return lambda history: history.both(
        lambda side: side.post(form_of(side, key, owner=owner), body)
    )


def delete(keys: list[str]) -> Operation:
    return lambda history: history.both(lambda side: side.bucket.delete(keys))


def fetch(key: str, max_bytes: int) -> Operation:
    return lambda history: history.both(lambda side: side.bucket.fetch(key, max_bytes=max_bytes))


def page_of(prefix: str, after: str, limit: int) -> Operation:
    return lambda history: history.both(
        lambda side: side.bucket.list_page(prefix=prefix, after=after, limit=limit)
    )


def read(owners: list[str]) -> Operation:
    return lambda history: history.both(
        lambda side: (side.references.read(owners[0]), side.references.read_many(owners))
    )


def write(owner: str, age: int, step: Callable[[Reference], Reference]) -> Operation:
    """Write the next reference after one that was read ``age`` writes ago."""

    def operation(history: History) -> None:
        known = [Reference(owner), *(old for old in history.written if old.owner_id == owner)]
        before = known[-1 - age % len(known)]
        after = step(before)
        if history.both(lambda side: side.references.replace(before, after)) is None:
            history.written.append(after)

    return operation


OPERATIONS = st.one_of(
    st.builds(put, SOME_KEYS, BODIES),
    st.builds(post, SOME_KEYS, SOME_OWNERS, BODIES),
    st.builds(delete, st.lists(SOME_KEYS, max_size=3)),
    st.builds(fetch, SOME_KEYS, SIZES),
    st.builds(
        page_of,
        st.one_of(st.just(""), SOME_KEYS),
        st.one_of(st.just(""), SOME_KEYS),
        SIZES.map(lambda n: n + 1),
    ),
    st.builds(read, st.lists(SOME_OWNERS, min_size=1, max_size=3)),
    st.builds(write, SOME_OWNERS, st.sampled_from([0, 0, 1, 2]), st.sampled_from(STEPS)),
    st.builds(write, SOME_OWNERS, st.sampled_from([0, 0, 1, 2]), st.sampled_from(STEPS)),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(operations=st.lists(OPERATIONS, max_size=16))
def test_both_sides_give_the_same_answers_and_end_alike_whatever_is_asked(
    aws: Stores, operations: list[Operation]
) -> None:
    embedded = Embedded(aws.bucket, aws.references)
    embedded.empty()
    history = History((embedded, memory()), [])

    for operation in operations:
        operation(history)

    keys = [found.key for found in embedded.bucket.list_page().objects]
    history.both(lambda side: [found.key for found in side.bucket.list_page().objects])
    history.both(lambda side: {key: content(side, key) for key in keys})
    history.both(lambda side: {found.owner_id: found for found in side.references.scan()})


# --- Nothing is left out ---


@pytest.mark.parametrize(
    ("protocol", "real", "twin"),
    [(Bucket, S3Bucket, MemoryBucket), (References, AvatarTable, MemoryReferences)],
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
        assert (parameters(getattr(real, name)), parameters(getattr(twin, name))) == (
            wanted,
            wanted,
        )


def parameters(method: Callable[..., object]) -> list[tuple[object, ...]]:
    """Return names, kinds and defaults."""
    found = inspect.signature(method).parameters.values()
    return [(parameter.name, parameter.kind, parameter.default) for parameter in found]
