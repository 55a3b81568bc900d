"""What the contracts write, and how they call a driver."""

from __future__ import annotations

import asyncio
import os

KIB = 1 << 10
MIB = 1 << 20

VALID = [
    "/a",
    "/2",
    "/aa",
    "/a.a",
    "/0-9/abcdefg",
    "/abcdefg/z.75",
    "/abc/1.2.3.4.5-6_zyx/123.z/4",
    "/docker/docker-registry",
    "/123.abc",
    "/abc./abc",
    "/.abc",
    "/..abc",
    "/a--b",
    "/a-.b",
    "/_.abc",
    "/Docker/docker-registry",
    "/Abc/Cba",
    "/...",
    "/" + "x" * 200,
    "/long" * 60,
]
INVALID = [
    "",
    "/",
    "abc",
    "123.abc",
    "abc/",
    "/abc/",
    "//bcd",
    "/a//b",
    "/abc_123/",
    "/a b",
    " /a",
    "/a\n",
    "/a\0b",
    "/ä",
    "/a:b",
    "/a@b",
    "/.",
    "/..",
    "/a/../b",
    "/a/./b",
    "/a/..",
]
CONTENTS = {
    "nothing": b"",
    "text": b"hello",
    "newlines": b"\r\n\n\r",
    "not utf-8": bytes(range(256)),
    "zeros": bytes(1000),
    "32 KiB": os.urandom(32 * KIB),
    "64 KiB and a byte": os.urandom(64 * KIB + 1),
    "3 MiB": os.urandom(3 * MIB),
}
SIZES = [0, 1, 7, 32 * KIB - 1, 64 * KIB, 64 * KIB + 1, MIB - 1, MIB, MIB + 1, 3 * MIB + 17]
# Byte order of names is not that of paths: in paths a slash follows each folder's name.
NAMES = ["1.0", "1.0-alpine", "1.0.1", "A", "_x", "a", "a-b", "a.b", "a0"]


async def read(driver, path, **how):
    async with driver.reader(path, **how) as chunks:
        return b"".join([chunk async for chunk in chunks])


async def write(driver, path, *chunks):
    async with driver.writer(path) as writer:
        for chunk in chunks:
            await writer.write(chunk)
        return await writer.commit()


async def names(driver, path, **how):
    return [name async for name in driver.list(path, **how)]


async def paths(driver, path, **how):
    return [file.path async for file in driver.walk(path, **how)]


async def outcomes(*calls):
    """Run calls at once; return how many succeeded, and the set of the errors' types."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    errors = [result for result in results if isinstance(result, BaseException)]
    return len(results) - len(errors), {type(error) for error in errors}
