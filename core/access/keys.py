"""API keys: 256 random bits behind a readable prefix; the database keeps only their SHA-256."""

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
    """A new key and its secret, which cannot be read again."""
    key_id = secrets.token_hex(4)
    secret = f"bl_{key_id}_{secrets.token_urlsafe(32)}"
    key = Key(id=key_id, digest=_digest(secret), owner=owner, name=name, scopes=sorted(scopes))
    key.created_at = session.scalars(select(db_now())).one()
    key.expires_at = None if valid_s is None else session.scalars(select(db_now(plus_s=valid_s))).one()
    session.add(key)
    session.flush()
    return key, secret


def authenticate(session: Session, secret: str) -> Key:
    """The live key behind this secret; raises Unauthenticated, the same way for every cause."""
    shape = SHAPE.fullmatch(secret)
    found = session.execute(select(Key, db_now()).where(Key.id == shape[1])).one_or_none() if shape else None
    if found is None or not hmac.compare_digest(found[0].digest, _digest(secret)) or found[0].revoked_at:
        raise Unauthenticated("This API key is not known. Check it for missing characters, or ask for a new one.")
    key, now = found
    if key.expires_at and key.expires_at <= now:
        raise Unauthenticated("This API key has expired. Ask for a new one.", code="key_expired")
    return key


def list_keys(session: Session) -> list[Key]:
    return list(session.scalars(select(Key).order_by(Key.created_at, Key.id)))


def revoke_key(session: Session, key_id: str) -> None:
    """Ends a key at once; revoking twice changes nothing. Raises NotFound."""
    if session.get(Key, key_id) is None:
        raise NotFound(f"There is no key {key_id}.")
    session.execute(update(Key).where(Key.id == key_id, Key.revoked_at.is_(None)).values(revoked_at=db_now()))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
