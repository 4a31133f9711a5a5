"""The socket of the service."""

import pytest

from melanoma_detect.errors import OutputError
from melanoma_detect.serve.server import address_of, open_socket


def test_a_socket_says_where_it_is():
    with open_socket("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        assert address_of(first) == f"http://127.0.0.1:{port}"
        with pytest.raises(OutputError, match=rf"127\.0\.0\.1:{port}: cannot be served \(Address already in use\)"):
            open_socket("127.0.0.1", port)


@pytest.mark.parametrize(("host", "port"), [("no-such-host.invalid", 80), ("127.0.0.1", 70000)])
def test_an_address_that_cannot_be_is_refused(host, port):
    with pytest.raises(OutputError, match=r"cannot be served \("):
        open_socket(host, port)
