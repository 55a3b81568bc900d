"""One client's work, the same each time, and the check that a store owes him what it acknowledged.

It goes through every kind of write: blobs in one request and in sessions, mounts, manifests, referrers, tags that move
and go. Repeating it on a store that a crash left behind must mend whatever is broken there.
"""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from app.oci.digest import Digest
from app.oci.mediatype import OCI_IMAGE
from app.oci.reference import RepositoryName, Tag
from tests.support.pushes import descriptor, image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from app.registry.contracts import Namespace, Repository

NAME: Final = RepositoryName.parse("team/app")
COPY: Final = RepositoryName.parse("team/copy")


def _bytes(seed: int, size: int) -> bytes:
    return random.Random(seed).randbytes(size)


CONFIG: Final = b'{"architecture":"amd64"}'
WHOLE: Final = _bytes(1, 5_000)
PIECES: Final = (_bytes(2, 70_000), _bytes(3, 300), _bytes(4, 2_000))
LAYER: Final = b"".join(PIECES)
FIRST: Final = image(CONFIG, WHOLE, LAYER)
SECOND: Final = image(CONFIG, WHOLE, annotations={"n": "2"})
SIGNATURE: Final = image(CONFIG, annotations={"signed": "yes"}, subject=descriptor(FIRST, OCI_IMAGE))


@dataclass
class Owed:
    """What has been acknowledged, and so must be there."""

    blobs: dict[tuple[RepositoryName, Digest], bytes] = field(default_factory=dict)
    manifests: dict[Digest, bytes] = field(default_factory=dict)
    tags: dict[str, Digest | None] = field(default_factory=dict)

    def learn(self, mark: str) -> None:
        """Take note of one acknowledgement, a mark that `work` gave."""
        verb, *words = mark.split()
        if verb == "blob":
            self.blobs[RepositoryName.parse(words[0]), Digest.parse(words[1])] = _CONTENT[Digest.parse(words[1])]
        elif verb == "begin":  # while it is under way a tag may be as before or as after
            self.tags.pop(words[0], None)
        elif verb == "untag":
            self.tags[words[0]] = None
        else:
            digest = Digest.parse(words[1])
            self.manifests[digest] = _CONTENT[digest]
            self.tags[words[0]] = digest


_CONTENT: Final = {Digest.of(content): content for content in (CONFIG, WHOLE, LAYER, FIRST, SECOND, SIGNATURE)}


async def work(namespace: Namespace, acknowledge: Callable[[str], None]) -> None:
    """Do the client's work; *acknowledge* gets a mark after each success."""
    here, there = namespace.repository(NAME), namespace.repository(COPY)
    for content in (CONFIG, WHOLE):
        async with here.blobs.create(Digest.of(content)) as writer:
            await writer.write(content)
            await writer.commit(Digest.of(content))
        acknowledge(f"blob {NAME} {Digest.of(content)}")
    session = here.blobs.begin()
    for piece in PIECES[:2]:
        async with here.blobs.resume(session) as writer:
            await writer.write(piece)
            session = await writer.park()
    async with here.blobs.resume(session) as writer:
        await writer.write(PIECES[2])
        await writer.commit(Digest.of(LAYER))
    acknowledge(f"blob {NAME} {Digest.of(LAYER)}")
    await there.blobs.mount(NAME, Digest.of(WHOLE))
    acknowledge(f"blob {COPY} {Digest.of(WHOLE)}")
    for content, tag in ((FIRST, "latest"), (SIGNATURE, "signature"), (SECOND, "latest"), (FIRST, "old")):
        acknowledge(f"begin {tag}")
        await here.manifests.put(content, OCI_IMAGE, tags=[Tag.parse(tag)])
        acknowledge(f"manifest {tag} {Digest.of(content)}")
    acknowledge("begin old")
    await here.tags.delete(Tag.parse("old"))
    acknowledge("untag old")


async def check(namespace: Namespace, owed: Owed) -> None:
    """Assert that everything owed is served, byte for byte."""
    for (name, digest), content in owed.blobs.items():
        assert await namespace.repository(name).blobs.get(digest) == content
    here = namespace.repository(NAME)
    for digest, content in owed.manifests.items():
        assert (await here.manifests.get(digest)).manifest.raw == content
    listed = await _tags(here) if owed.manifests else set()
    for tag, target in owed.tags.items():
        assert (tag in listed) == (target is not None), f"{tag} listed: {listed}"
        if target is not None:
            assert (await here.manifests.get(Tag.parse(tag))).digest == target
    if Digest.of(SIGNATURE) in owed.manifests:
        assert Digest.of(SIGNATURE) in [entry.digest async for entry in here.referrers.list(Digest.of(FIRST))]


async def _tags(repository: Repository) -> set[str]:
    return {tag async for tag in repository.tags.list()}


def whole(root: Path) -> int:
    """Assert that whatever can be seen below *root* is whole; return how many objects that are.

    Content hashes to its name, a link holds a digest, its content is there, and a tag names a revision.
    """
    base = root / "docker/registry/v2"
    seen = 0
    for data in base.glob("blobs/*/*/*/data"):
        algorithm, hexadecimal = data.parts[-4], data.parts[-2]
        assert hashlib.new(algorithm, data.read_bytes()).hexdigest() == hexadecimal, data
        seen += 1
    for link in base.glob("repositories/**/link"):
        digest = Digest.parse(link.read_text())
        assert (base / f"blobs/{digest.algorithm}/{digest.hex[:2]}/{digest.hex}/data").is_file(), link
        if link.parent.name == "current":
            revisions = link.parents[3] / "revisions"
            assert (revisions / digest.algorithm / digest.hex / "link").is_file(), link
        seen += 1
    for entry in root.glob("moorage/v1/derived/referrers/*/*/*/*"):
        json.loads(entry.read_bytes())
        seen += 1
    return seen
