"""Connections to Postgres on which every wait ends: on the server's side or on the client's."""

from typing import Any

from psycopg import Connection, OperationalError
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, create_engine, event
from typing_extensions import TypeVar

from core.db.bulk_insert import run_copies

LOCK_TIMEOUT_S = 10
STATEMENT_TIMEOUT_S = 30
IDLE_IN_TRANSACTION_TIMEOUT_S = 10
"""Between its statements a transaction does nothing that takes long; an idle one means a dead client with locks."""
POOL_TIMEOUT_S = 5
CONNECT_TIMEOUT_S = 5
PING_TIMEOUT_S = 3
RESPONSE_TIMEOUT_S = STATEMENT_TIMEOUT_S + 5
TCP_USER_TIMEOUT_MS = 20_000
POOL_RECYCLE_S = 1800
KEEPALIVES = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
"""TCP keepalives of client and server, in seconds: the server too must notice a dead client, to release its locks."""

TRANSACTION_TIMEOUT_SINCE = 170000
"""The first Postgres version with `transaction_timeout`."""

Response = TypeVar("Response")


class TimeoutConnection(Connection[Any]):
    """A connection that times out when the server stops responding: a frozen one, or one behind a half-open link.

    The server's own limits and TCP keepalives cannot end such a wait. Only pings run in autocommit.
    """

    def wait(self, gen: PQGen[Response], interval: float = 0.1, timeout: float | None = None) -> Response:
        default_s = PING_TIMEOUT_S if self.autocommit else RESPONSE_TIMEOUT_S
        try:
            return super().wait(gen, interval, default_s if timeout is None else timeout)
        except OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()  # a late response would be taken for the response to the next statement
            raise


def postgres_engine(url: str, *, pool_size: int) -> Engine:
    """Return an engine over psycopg with every timeout set and COPY for bulk inserts; it connects lazily."""
    limits_s = {
        "statement_timeout": STATEMENT_TIMEOUT_S,
        "lock_timeout": LOCK_TIMEOUT_S,
        "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_TIMEOUT_S,
    }
    options = {name: seconds * 1000 for name, seconds in limits_s.items()}
    options |= {f"tcp_{name}": value for name, value in KEEPALIVES.items()}
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=POOL_TIMEOUT_S,
        pool_pre_ping=True,
        pool_recycle=POOL_RECYCLE_S,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_S,
            **KEEPALIVES,
            "tcp_user_timeout": TCP_USER_TIMEOUT_MS,
            "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
        },
    )

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: object, _record: object, arguments: list[str], options: dict[str, Any]) -> TimeoutConnection:
        connection = TimeoutConnection.connect(*arguments, **options)
        if connection.info.server_version >= TRANSACTION_TIMEOUT_SINCE:
            _limit_transactions(connection)
        return connection

    run_copies(engine)
    return engine


def _limit_transactions(connection: TimeoutConnection) -> None:
    """Make the server end a transaction whose client stopped in the middle of a statement: no other limit does."""
    connection.execute(f"SET transaction_timeout = '{RESPONSE_TIMEOUT_S}s'")
    connection.commit()
