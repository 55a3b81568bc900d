import socket

import pytest

from app.server.sockets import AddressInvalid, listening, split


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (":5000", ("", 5000)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:80", ("::1", 80)),
        ("1.2.3.4:65535", ("1.2.3.4", 65535)),
    ],
)
def test_an_address_is_host_and_port(address, expected):
    assert split(address) == expected


@pytest.mark.parametrize("address", ["", "localhost", "localhost:", "localhost:x", ":65536", ":-1", ":\uff11"])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(AddressInvalid):
        split(address)


def test_a_free_port_is_listened_on_and_given_back():
    with listening("tcp", "127.0.0.1:0") as listener:
        address = listener.getsockname()
        socket.create_connection(address).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


def test_a_socket_file_left_behind_is_replaced_and_ours_is_removed(tmp_path):
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with listening("unix", str(path)), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    assert not path.exists()


def test_a_socket_that_somebody_serves_is_left_alone(tmp_path):
    path = tmp_path / "s"
    with listening("unix", str(path)), pytest.raises(OSError, match="in use"), listening("unix", str(path)):
        pass
