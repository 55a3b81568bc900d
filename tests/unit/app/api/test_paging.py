import pytest

from app.api.paging import PageRequest, next_link, take
from app.oci.errors import PaginationInvalid


class Source:
    """A list that counts how many of its elements were read, and whether it was closed."""

    def __init__(self, count):
        self.count, self.read, self.closed = count, 0, False

    async def elements(self):
        try:
            for number in range(self.count):
                self.read += 1
                yield number
        finally:
            self.closed = True


@pytest.mark.parametrize(
    ("size", "items", "more", "read"),
    [
        (3, [0, 1, 2], True, 4),
        (5, [0, 1, 2, 3, 4], False, 5),
        (9, [0, 1, 2, 3, 4], False, 5),
        (0, [], False, 1),
        (None, [0, 1, 2, 3, 4], False, 5),
    ],
)
async def test_a_page_reads_one_element_more_than_it_returns(size, items, more, read):
    source = Source(5)
    page = await take(source.elements(), size)
    assert (page.items, page.more) == (items, more)
    assert (source.read, source.closed) == (read, True)


@pytest.mark.parametrize("n", ["-1", "x", "1e9", "\uff11", "1.0", " 1", "9" * 19, "9" * 5000, "+1", "0x1", "\u0661"])
def test_n_must_be_a_number_of_ascii_digits(n):
    with pytest.raises(PaginationInvalid):
        PageRequest.parse({"n": n}, default=100, ceiling=1000)


@pytest.mark.parametrize(
    ("query", "default", "ceiling", "expected"),
    [
        ({}, 100, 1000, (100, "")),
        ({}, None, None, (None, "")),
        ({"n": "", "last": ""}, 100, 1000, (100, "")),
        ({"n": "0", "last": "x"}, 100, 1000, (0, "x")),
        ({"n": "1001"}, 100, 1000, (1000, "")),
        ({"n": "4294967296"}, 100, 1000, (1000, "")),
        ({"n": "007"}, None, None, (7, "")),
        ({}, 50, 20, (20, "")),
    ],
)
def test_n_and_last_say_which_page(query, default, ceiling, expected):
    wanted = PageRequest.parse(query, default=default, ceiling=ceiling)
    assert (wanted.size, wanted.after) == expected


def test_the_link_escapes_its_values_and_leaves_empty_ones_out():
    link = next_link("/v2/a/referrers/d", n="", last="sha256:1", artifactType="a/b+c&d")
    assert link == '</v2/a/referrers/d?last=sha256%3A1&artifactType=a%2Fb%2Bc%26d>; rel="next"'
