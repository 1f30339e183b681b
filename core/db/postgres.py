"""Connections to Postgres that nobody waits for in vain: every wait for the server ends, on its side or on ours."""

from typing import Any

from psycopg import Connection, OperationalError
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, create_engine, event
from typing_extensions import TypeVar

from core.db.bulk_insert import copy_when_asked

LOCK_WAIT_S = 10
STATEMENT_WAIT_S = 30
IDLE_WAIT_S = 10
"""No transaction here waits for anything but the database: one that does holds its locks for a client that is gone."""
POOL_WAIT_S = 5
CONNECT_WAIT_S = 5
PING_WAIT_S = 3
ANSWER_WAIT_S = STATEMENT_WAIT_S + 5
KEEPALIVES = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
"""In seconds, on either side: the server too must notice that a client is gone, to give up its locks."""

TRANSACTION_TIMEOUT_SINCE = 170000

Answer = TypeVar("Answer")


class Impatient(Connection[Any]):
    """Gives up a server that is silent: frozen, or behind a link that carries nothing any more.

    The server's own limits and TCP's keepalives cannot end such a wait. Only pings run in autocommit here.
    """

    def wait(self, gen: PQGen[Answer], interval: float = 0.1, timeout: float | None = None) -> Answer:
        patience_s = PING_WAIT_S if self.autocommit else ANSWER_WAIT_S
        try:
            return super().wait(gen, interval, patience_s if timeout is None else timeout)
        except OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()  # the answer may still come, to a question nobody remembers
            raise


def postgres_engine(url: str, *, pool_size: int) -> Engine:
    limits = {
        "statement_timeout": STATEMENT_WAIT_S,
        "lock_timeout": LOCK_WAIT_S,
        "idle_in_transaction_session_timeout": IDLE_WAIT_S,
    }
    options = {name: seconds * 1000 for name, seconds in limits.items()}
    options |= {f"tcp_{name}": value for name, value in KEEPALIVES.items()}
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=POOL_WAIT_S,
        pool_pre_ping=True,
        pool_recycle=1800,
        connect_args={
            "connect_timeout": CONNECT_WAIT_S,
            **KEEPALIVES,
            "tcp_user_timeout": 20_000,
            "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
        },
    )

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: object, _record: object, arguments: list[str], options: dict[str, Any]) -> Impatient:
        connection = Impatient.connect(*arguments, **options)
        if connection.info.server_version >= TRANSACTION_TIMEOUT_SINCE:
            _limit_transactions(connection)
        return connection

    copy_when_asked(engine)
    return engine


def _limit_transactions(connection: Impatient) -> None:
    """Ends what no other limit does: a server that waits, in the middle of a statement, for the rest of it."""
    connection.execute(f"SET transaction_timeout = '{ANSWER_WAIT_S}s'")
    connection.commit()
