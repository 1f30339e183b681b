"""TCP ports of this machine."""

import socket

from ops.errors import PortTaken

LOOPBACK = "127.0.0.1"


def free_port(host: str = LOOPBACK) -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def claim_port(wanted: int, *, host: str = LOOPBACK, option: str) -> int:
    """The wanted port, or a free one for 0; raises PortTaken, naming the option that chooses another."""
    if wanted == 0:
        return free_port(host)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, wanted))
        except OSError as error:
            raise PortTaken(
                f"Port {wanted} of {host} cannot be used: {error.strerror}. "
                f"Choose another with {option}; 0 finds a free one."
            ) from None
    return wanted


def is_open(port: int, *, host: str = LOOPBACK) -> bool:
    """Whether something accepts connections there."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
