"""What keeps Batchlight from running here, in words for the person at the terminal.

OpsError
├── NoRedis             no Redis is configured and none is installed
├── PortTaken           another program listens where we should
├── DataDirRefused      the data folder is in use by another stack, or open to other users
├── DidNotStart         a part of the stack does not come up; names its log
├── NoDatabase          the database is not there, or not migrated
└── DemoFailed          the demo's job did not succeed
"""


class OpsError(Exception):
    """The message says what was wrong and what to do."""


class NoRedis(OpsError):
    pass


class PortTaken(OpsError):
    pass


class DataDirRefused(OpsError):
    pass


class DidNotStart(OpsError):
    pass


class NoDatabase(OpsError):
    pass


class DemoFailed(OpsError):
    pass
