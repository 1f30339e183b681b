"""The errors that keep Batchlight from running on this machine, each with a message for the person at the terminal.

OpsError
├── NoRedis             no Redis is configured and none is installed
├── PortTaken           a port cannot be listened on
├── DataDirRefused      the data folder is in use by another stack, open to other users, or no folder
├── SettingsRefused     an environment variable holds a value that the setting does not take
├── DidNotStart         a part of the stack does not become ready; the message has the end of its log
├── NoDatabase          the database does not exist, does not answer, or is not migrated
├── KeyRefused          a key cannot be created as asked, or does not exist
└── DemoFailed          the demo has no samples, or its job did not succeed
"""


class OpsError(Exception):
    """The message says what was wrong and what to do next."""


class NoRedis(OpsError):
    pass


class PortTaken(OpsError):
    pass


class DataDirRefused(OpsError):
    pass


class SettingsRefused(OpsError):
    pass


class DidNotStart(OpsError):
    pass


class NoDatabase(OpsError):
    pass


class KeyRefused(OpsError):
    pass


class DemoFailed(OpsError):
    pass
