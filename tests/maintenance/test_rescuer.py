"""The rescuer queues lost work again."""

import time

from core.db.engines import Database
from core.jobs import claims
from core.states import Queue
from maintenance.rescuer import expire_leases
from tests.databases import submit


def test_a_shard_whose_lease_expired_can_be_claimed_again(database: Database) -> None:
    with database.write.begin() as session:
        submit(session)
        claims.claim(session, Queue.BULK, worker="silent", lease_s=0.01)
    time.sleep(0.05)

    expire_leases(database)

    with database.write.begin() as session:
        claimed = claims.claim(session, Queue.BULK, worker="next", lease_s=60)
    assert claimed
    assert claimed[0].attempt == 2
