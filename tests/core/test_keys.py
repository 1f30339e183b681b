"""API keys."""

import time

import pytest
from sqlalchemy import select

from core.access.keys import authenticate, create_key, revoke_key
from core.db.engines import Database
from core.db.tables import Key
from core.errors import NotFound, Unauthenticated
from core.states import Scope


def create(database: Database, *, valid_s: float | None = None) -> tuple[Key, str]:
    with database.write.begin() as session:
        return create_key(session, owner="ada", name="laptop", valid_s=valid_s)


def test_a_valid_key_is_returned_with_its_owner_and_scopes(database: Database) -> None:
    _, secret = create(database)

    with database.read.begin() as session:
        key = authenticate(session, secret)

    assert key.owner == "ada"
    assert set(key.scopes) == {Scope.JOBS_READ, Scope.JOBS_WRITE}


def test_the_secret_is_not_in_the_database(database: Database) -> None:
    _, secret = create(database)

    with database.read.begin() as session:
        (row,) = session.execute(select(Key.__table__)).all()

    assert secret not in str(tuple(row))
    assert secret.split("_", 2)[2] not in str(tuple(row))


@pytest.mark.parametrize("change", [lambda s: s[:-1] + ("A" if s[-1] != "A" else "B"), lambda s: s[:-1], lambda _: ""])
def test_a_key_that_is_off_by_a_character_is_refused(database: Database, change: object) -> None:
    _, secret = create(database)
    assert callable(change)

    with pytest.raises(Unauthenticated), database.read.begin() as session:
        authenticate(session, change(secret))


def test_a_revoked_key_is_refused(database: Database) -> None:
    key, secret = create(database)
    with database.write.begin() as session:
        revoke_key(session, key.id)

    with pytest.raises(Unauthenticated), database.read.begin() as session:
        authenticate(session, secret)


def test_an_expired_key_is_refused_and_says_so(database: Database) -> None:
    _, secret = create(database, valid_s=0.01)
    time.sleep(0.05)

    with pytest.raises(Unauthenticated) as refusal, database.read.begin() as session:
        authenticate(session, secret)

    assert refusal.value.code == "key_expired"


def test_revoking_a_key_that_is_not_there_says_so(database: Database) -> None:
    with pytest.raises(NotFound), database.write.begin() as session:
        revoke_key(session, "00000000")
