"""TCP ports of this machine."""

import socket

from ops.errors import PortTaken

LOOPBACK = "127.0.0.1"


def free_port(host: str = LOOPBACK) -> int:
    """Return a port on which no program listens now. Raises OSError if this machine does not have the address."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def choose_port(wanted: int, *, host: str = LOOPBACK, option: str) -> int:
    """Return the wanted port, or a free one for 0. Raises PortTaken, naming the option that chooses another."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, wanted))
        except socket.gaierror as error:
            raise PortTaken(f"{host} is no address of this machine ({error.strerror}). Try --host {LOOPBACK}") from None
        except OSError as error:
            raise PortTaken(
                f"Port {wanted} of {host} cannot be used: {error.strerror}. "
                f"Choose another with {option}; {option} 0 finds a free one."
            ) from None
        return int(probe.getsockname()[1])


def is_open(port: int, *, host: str = LOOPBACK) -> bool:
    """Return whether a program accepts connections on this port."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
