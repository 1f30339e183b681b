"""API keys: 256 random bits behind a readable prefix; the database stores only their SHA-256."""

import hashlib
import hmac
import re
import secrets

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.db.clock import db_now
from core.db.tables import Key
from core.errors import NotFound, Unauthenticated
from core.states import Scope

SHAPE = re.compile(r"bl_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")
USER_SCOPES = frozenset({Scope.JOBS_READ, Scope.JOBS_WRITE})


def create_key(
    session: Session,
    *,
    owner: str,
    name: str,
    scopes: frozenset[Scope] = USER_SCOPES,
    valid_s: float | None = None,
) -> tuple[Key, str]:
    """Create a key and return it with its secret, which cannot be read again. It expires after `valid_s` seconds."""
    key_id = secrets.token_hex(4)
    secret = f"bl_{key_id}_{secrets.token_urlsafe(32)}"
    key = Key(id=key_id, digest=_digest(secret), owner=owner, name=name, scopes=sorted(scopes))
    key.created_at = session.scalars(select(db_now())).one()
    key.expires_at = None if valid_s is None else session.scalars(select(db_now(plus_s=valid_s))).one()
    session.add(key)
    session.flush()
    return key, secret


def authenticate(session: Session, secret: str) -> Key:
    """Return the valid key with this secret.

    Raises Unauthenticated, with the same message for an unknown, a wrong and a revoked key.
    """
    shape = SHAPE.fullmatch(secret)
    found = session.execute(select(Key, db_now()).where(Key.id == shape[1])).one_or_none() if shape else None
    if found is None or not hmac.compare_digest(found[0].digest, _digest(secret)) or found[0].revoked_at:
        raise Unauthenticated(
            "This API key is not valid. Check it for missing characters, or create another on the server: "
            ".venv/bin/python -m ops keys create --owner NAME"
        )
    key, now = found
    if key.expires_at and key.expires_at <= now:
        raise Unauthenticated(
            f"This API key expired at {key.expires_at:%Y-%m-%d %H:%M} UTC. Create another on the server: "
            ".venv/bin/python -m ops keys create --owner NAME",
            code="key_expired",
        )
    return key


def list_keys(session: Session) -> list[Key]:
    """Return every key, the oldest first."""
    return list(session.scalars(select(Key).order_by(Key.created_at, Key.id)))


def revoke_key(session: Session, key_id: str) -> None:
    """Revoke a key at once; revoking it again changes nothing. Raises NotFound."""
    if session.get(Key, key_id) is None:
        raise NotFound(f"There is no key {key_id!r}. List the keys: .venv/bin/python -m ops keys list")
    session.execute(update(Key).where(Key.id == key_id, Key.revoked_at.is_(None)).values(revoked_at=db_now()))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
