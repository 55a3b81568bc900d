"""Connections to Redis that know whom they talk to. Knows no keys and no values.

Retries are off: who asks has a deadline, and a connection that failed is opened anew by the next request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from redis.asyncio.connection import BlockingConnectionPool, Connection, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from collections.abc import Sequence

_QUIET: Final[dict[str, Any]] = {"retry": Retry(NoBackoff(), 0), "retry_on_error": [], "protocol": 2}


class _Identified:
    """A connection that asks, each time it is opened, which Redis it reached.

    A run id is new with each start of the process; a replication id is new when a replica becomes a master.
    """

    identity: str = ""

    async def on_connect_check_health(self, check_health: bool = True) -> None:  # noqa: FBT001, FBT002  # redis-py's own
        self.identity = ""
        await super().on_connect_check_health(check_health)  # type: ignore[misc]  # mixed into a connection
        told = {**await self._info("server"), **await self._info("replication")}
        self.identity = f"{told['run_id']}.{told['master_replid']}"

    async def _info(self, section: str) -> dict[str, str]:
        await self.send_command("INFO", section, check_health=False)  # type: ignore[attr-defined]  # as above
        answer = await self.read_response()  # type: ignore[attr-defined]  # as above
        lines = bytes(answer).decode("utf-8", "replace").splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)


class _Plain(_Identified, Connection):
    pass


class _Secure(_Identified, SSLConnection):
    pass


class RedisUnreachable(Exception):
    """No answer from Redis, or not the one that was asked for."""


class Redis:
    """One Redis server, by a pool of connections. Close it with `aclose`.

    Args:
        host: name or address.
        port: of it.
        tls: whether to speak TLS.
        connections: at most.
        options: of redis-py's connections: ``username``, ``password``, ``db``, ``ssl_ca_certs`` and the like.
    """

    __slots__ = ("_pool",)

    def __init__(self, host: str, port: int, *, tls: bool = False, connections: int = 32, **options: Any) -> None:
        kind = _Secure if tls else _Plain
        self._pool: Any = BlockingConnectionPool(
            max_connections=connections, timeout=None, connection_class=kind, host=host, port=port, **_QUIET, **options
        )

    async def ask(self, *commands: Sequence[bytes | int]) -> tuple[list[Any], str]:
        """Send *commands* in one round trip; return their answers, and the identity of who answered.

        Cancelled half-way, the connection is closed, so that nobody reads somebody else's answer.

        Raises:
            RedisUnreachable: no answer, or one of them is an error.
        """
        try:
            connection = await self._pool.get_connection()
            try:
                await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
                answers = [await connection.read_response() for _ in commands]
            except BaseException:
                await connection.disconnect(nowait=True)
                raise
            else:
                return answers, connection.identity
            finally:
                await self._pool.release(connection)
        except (RedisError, OSError, KeyError, ValueError) as error:
            raise RedisUnreachable(str(error)) from None

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.disconnect()
