"""What every cache of blob descriptors has to do. An outside one proves itself with it.

Inherit `CacheContract`, and `MembershipContract` too if the cache remembers memberships, in a test module, and override
the fixture `cache` with an empty cache.
"""

from __future__ import annotations

import asyncio

import pytest

from app.oci.descriptor import Descriptor
from app.oci.digest import Algorithm, Digest
from app.oci.mediatype import OCTET_STREAM
from app.oci.reference import RepositoryName
from cache.contract import MISS, BlobDescriptorCache, LinkKind

HERE = RepositoryName.parse("team/here")
THERE = RepositoryName.parse("team/there")
LAYER, MANIFEST, SIGNATURE = LinkKind.LAYER, LinkKind.MANIFEST, LinkKind.SIGNATURE


def content(text: str) -> tuple[Digest, Descriptor]:
    """A digest, and the descriptor that the backend has for it."""
    digest = Digest.of(text.encode())
    return digest, Descriptor(OCTET_STREAM, len(text), digest)


DIGEST, DESCRIPTOR = content("content")
OTHER, OTHER_DESCRIPTOR = content("other content")
ALIAS = Digest.of(b"content", Algorithm.SHA512)


async def learn(cache, repository=HERE, kind=LAYER, digest=DIGEST, descriptor=DESCRIPTOR):
    await cache.remember(repository, kind, digest, descriptor, await cache.lookup(repository, kind, digest))


class CacheContract:
    """Sizes: facts that cannot change and say nothing of access."""

    @pytest.fixture
    def cache(self) -> BlobDescriptorCache:
        raise NotImplementedError

    async def test_an_empty_cache_knows_nothing(self, cache):
        found = await cache.lookup(HERE, LAYER, DIGEST)
        assert (found.scoped, found.anywhere) == (None, None)

    async def test_a_size_learnt_in_one_repository_is_known_in_all_and_for_all_kinds(self, cache):
        await learn(cache)
        for repository in (HERE, THERE):
            for kind in LinkKind:
                assert (await cache.lookup(repository, kind, DIGEST)).anywhere == DESCRIPTOR

    async def test_a_size_learnt_in_one_repository_never_gives_access_in_another(self, cache):
        await learn(cache)
        assert (await cache.lookup(THERE, LAYER, DIGEST)).scoped is None

    async def test_an_alias_stands_for_the_canonical_descriptor(self, cache):
        await learn(cache, digest=ALIAS)
        assert (await cache.lookup(THERE, LAYER, ALIAS)).anywhere == DESCRIPTOR
        assert (await cache.lookup(THERE, LAYER, DIGEST)).anywhere == DESCRIPTOR

    async def test_an_alias_is_not_known_from_its_canonical_digest(self, cache):
        await learn(cache)
        assert (await cache.lookup(HERE, LAYER, ALIAS)).anywhere is None

    async def test_a_media_type_that_one_repository_declared_is_not_told_to_others(self, cache):
        await learn(cache, descriptor=Descriptor("secret/type", DESCRIPTOR.size, DIGEST, annotations={"a": "b"}))
        assert (await cache.lookup(THERE, LAYER, DIGEST)).anywhere == DESCRIPTOR

    async def test_what_was_taught_does_not_change_with_the_teachers_value(self, cache):
        annotations = {"a": "b"}
        await learn(cache, descriptor=Descriptor(OCTET_STREAM, 7, DIGEST, annotations=annotations))
        annotations["a"] = "changed"
        found = await cache.lookup(HERE, LAYER, DIGEST)
        assert "changed" not in repr(found)

    @pytest.mark.parametrize(
        ("digest", "descriptor"),
        [
            (DIGEST, OTHER_DESCRIPTOR),
            (DIGEST, Descriptor(OCTET_STREAM, -1, DIGEST)),
            (ALIAS, Descriptor(OCTET_STREAM, 7, ALIAS)),
            (DIGEST, Descriptor(OCTET_STREAM, 7, ALIAS)),
        ],
    )
    async def test_nonsense_is_not_learnt(self, cache, digest, descriptor):
        await learn(cache, digest=digest, descriptor=descriptor)
        found = await cache.lookup(HERE, LAYER, digest)
        assert (found.scoped, found.anywhere) == (None, None)

    async def test_content_of_no_bytes_has_a_size(self, cache):
        digest, descriptor = content("")
        await learn(cache, digest=digest, descriptor=descriptor)
        assert (await cache.lookup(HERE, LAYER, digest)).anywhere == descriptor

    async def test_a_size_of_many_tebibytes_is_kept(self, cache):
        large = Descriptor(OCTET_STREAM, 2**63 - 1, DIGEST)
        await learn(cache, descriptor=large)
        assert (await cache.lookup(HERE, LAYER, DIGEST)).anywhere == large

    async def test_a_digest_whose_bytes_are_missing_is_forgotten_as_a_whole(self, cache):
        await learn(cache)
        await learn(cache, digest=OTHER, descriptor=OTHER_DESCRIPTOR)
        await cache.forget(DIGEST)
        found = await cache.lookup(HERE, LAYER, DIGEST)
        assert (found.scoped, found.anywhere) == (None, None)
        assert (await cache.lookup(HERE, LAYER, OTHER)).anywhere == OTHER_DESCRIPTOR

    async def test_forgetting_and_revoking_what_is_not_there_is_no_error(self, cache):
        await cache.forget(DIGEST)
        await cache.revoke(HERE, LAYER, DIGEST)
        await cache.revoke(HERE, LAYER, DIGEST)

    async def test_after_a_revocation_the_repository_does_not_see_the_digest(self, cache):
        await learn(cache)
        await cache.revoke(HERE, LAYER, DIGEST)
        assert (await cache.lookup(HERE, LAYER, DIGEST)).scoped is None

    async def test_a_fill_without_a_ticket_never_gives_access(self, cache):
        await cache.remember(HERE, LAYER, DIGEST, DESCRIPTOR, MISS)
        assert (await cache.lookup(HERE, LAYER, DIGEST)).scoped is None


class MembershipContract:
    """Memberships: facts that can be revoked, and then are not answered from again."""

    @pytest.mark.parametrize("digest", [DIGEST, ALIAS])
    async def test_what_was_remembered_is_a_hit(self, cache, digest):
        await learn(cache, digest=digest)
        assert (await cache.lookup(HERE, LAYER, digest)).scoped == DESCRIPTOR

    async def test_a_repository_gets_back_the_media_type_that_it_declared(self, cache):
        declared = Descriptor("some/type", DESCRIPTOR.size, DIGEST)
        await learn(cache, descriptor=declared)
        assert (await cache.lookup(HERE, LAYER, DIGEST)).scoped == declared

    @pytest.mark.parametrize("kind", LinkKind)
    async def test_each_kind_of_link_has_its_own_membership(self, cache, kind):
        await learn(cache, kind=kind)
        seen = [other for other in LinkKind if (await cache.lookup(HERE, other, DIGEST)).scoped is not None]
        assert seen == [kind]

    async def test_membership_under_an_alias_is_not_membership_under_the_canonical_digest(self, cache):
        await learn(cache, digest=ALIAS)
        assert (await cache.lookup(HERE, LAYER, DIGEST)).scoped is None

    async def test_a_fill_that_began_before_a_revocation_does_not_land(self, cache):
        before = await cache.lookup(HERE, LAYER, DIGEST)
        await cache.revoke(HERE, LAYER, DIGEST)
        await cache.remember(HERE, LAYER, DIGEST, DESCRIPTOR, before)
        assert (await cache.lookup(HERE, LAYER, DIGEST)).scoped is None

    async def test_a_fill_that_began_before_a_revocation_does_not_land_after_another_lookup(self, cache):
        before = await cache.lookup(HERE, LAYER, DIGEST)
        await cache.revoke(HERE, LAYER, DIGEST)
        await cache.lookup(HERE, LAYER, DIGEST)
        await cache.remember(HERE, LAYER, DIGEST, DESCRIPTOR, before)
        assert (await cache.lookup(HERE, LAYER, DIGEST)).scoped is None

    async def test_revoking_what_is_not_there_stops_a_fill_as_well(self, cache):
        await learn(cache, digest=OTHER, descriptor=OTHER_DESCRIPTOR)
        before = await cache.lookup(HERE, LAYER, DIGEST)
        await cache.revoke(HERE, LAYER, DIGEST)
        await cache.revoke(HERE, LAYER, DIGEST)
        await cache.remember(HERE, LAYER, DIGEST, DESCRIPTOR, before)
        assert (await cache.lookup(HERE, LAYER, DIGEST)).scoped is None

    async def test_a_fill_that_began_after_a_revocation_lands(self, cache):
        await cache.revoke(HERE, LAYER, DIGEST)
        await learn(cache)
        await cache.revoke(HERE, LAYER, DIGEST)
        await learn(cache)
        assert (await cache.lookup(HERE, LAYER, DIGEST)).scoped == DESCRIPTOR

    async def test_a_revocation_in_one_repository_leaves_the_others_alone(self, cache):
        await learn(cache)
        await learn(cache, repository=THERE)
        begun = await cache.lookup(THERE, LAYER, OTHER)
        await cache.revoke(HERE, LAYER, DIGEST)
        await cache.remember(THERE, LAYER, OTHER, OTHER_DESCRIPTOR, begun)
        assert (await cache.lookup(HERE, LAYER, DIGEST)).scoped is None
        assert (await cache.lookup(THERE, LAYER, DIGEST)).scoped == DESCRIPTOR
        assert (await cache.lookup(THERE, LAYER, OTHER)).scoped == OTHER_DESCRIPTOR

    async def test_another_repositorys_fill_does_not_revive_what_was_revoked_here(self, cache):
        await learn(cache)
        await cache.revoke(HERE, LAYER, DIGEST)
        await learn(cache, repository=THERE)
        assert (await cache.lookup(HERE, LAYER, DIGEST)).scoped is None

    async def test_tickets_are_equal_exactly_while_nothing_is_revoked(self, cache):
        first = await cache.lookup(HERE, LAYER, DIGEST)
        second = await cache.lookup(HERE, LAYER, DIGEST)
        await cache.revoke(HERE, LAYER, DIGEST)
        third = await cache.lookup(HERE, LAYER, DIGEST)
        assert first.ticket is not None
        assert hash(first.ticket) == hash(second.ticket)
        assert first.ticket == second.ticket
        assert first.ticket != third.ticket

    async def test_a_digest_whose_bytes_are_missing_is_no_hit_until_it_is_learnt_again(self, cache):
        await learn(cache)
        await cache.forget(DIGEST)
        assert (await cache.lookup(HERE, LAYER, DIGEST)).scoped is None
        await learn(cache)
        assert (await cache.lookup(HERE, LAYER, DIGEST)).scoped == DESCRIPTOR

    async def test_many_at_once_do_not_get_each_others_answers(self, cache):
        things = [content(f"content {number}") for number in range(40)]
        await asyncio.gather(*(learn(cache, digest=digest, descriptor=each) for digest, each in things))
        found = await asyncio.gather(*(cache.lookup(HERE, LAYER, digest) for digest, _ in things))
        assert [each.scoped for each in found] == [descriptor for _, descriptor in things]
