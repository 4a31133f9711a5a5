"""Running the service: uvicorn on one address, until it is told to stop."""

import os
import socket

import uvicorn
from starlette.types import ASGIApp

from melanoma_detect.errors import OutputError
from melanoma_detect.serve.connections import TimedConnection

_GRACE_SECONDS = 5  # more than a request's own time, in which requests end that are in progress
_CONNECTIONS = 1000  # open at once; each costs a file descriptor
_BACKLOG = 2048
_PORTS = 2**16
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def open_socket(host: str, port: int) -> socket.socket:
    """Open the socket that the service listens on.

    Args:
        host: An address of this machine, or its name.
        port: The port; 0 for any that is free.

    Returns:
        The socket.

    Raises:
        OutputError: It cannot be opened; the message says why.

    Examples:
        >>> with open_socket("127.0.0.1", 0) as opened:
        ...     opened.getsockname()[0]
        '127.0.0.1'
    """
    if not 0 <= port < _PORTS:
        raise OutputError(f"{host}:{port}: cannot be served (ports end at {_PORTS - 1}); choose another --port")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except OSError as error:
        # The text of a name that is not known is in the error; Python adds the address to the text of others.
        known = isinstance(error, socket.gaierror) or error.errno is None
        reason = str(error.strerror) if known else os.strerror(error.errno or 0)
        raise OutputError(f"{host}:{port}: cannot be served ({reason}); choose another --host or --port") from error


def address_of(listening: socket.socket) -> str:
    """Return the address that a socket listens on, for a browser.

    Args:
        listening: The socket.

    Returns:
        Such as `"http://127.0.0.1:8000"`.
    """
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def make_server(app: ASGIApp, *, seconds: float, root_path: str = "") -> uvicorn.Server:
    """Return the server of an application.

    Args:
        app: The application.
        seconds: The longest time for a request.
        root_path: The path that a reverse proxy serves it under.

    Returns:
        The server, not yet running.
    """
    config = uvicorn.Config(
        app,
        http=TimedConnection,
        ws="none",
        lifespan="on",
        log_config=None,  # warnings and errors go to standard error; there is no log of requests, which would name clients
        access_log=False,
        server_header=False,
        proxy_headers=False,
        root_path=root_path,
        limit_concurrency=_CONNECTIONS,
        timeout_graceful_shutdown=int(seconds) + _GRACE_SECONDS,
    )
    return uvicorn.Server(config)


def run(app: ASGIApp, listening: socket.socket, *, seconds: float, root_path: str = "") -> None:
    """Serve until SIGINT or SIGTERM: then no request is taken any more, those in progress end, and the signal takes effect.

    Args:
        app: The application.
        listening: The socket, which is closed at the end.
        seconds: The longest time for a request.
        root_path: The path that a reverse proxy serves it under.

    Raises:
        KeyboardInterrupt: The signal, when everything has ended.
    """
    make_server(app, seconds=seconds, root_path=root_path).run(sockets=[listening])
