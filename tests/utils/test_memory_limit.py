"""A limit of the memory that a block of code may take."""

import resource
import threading

import pytest

from melanoma_detect.utils.memory_limit import limited_memory


def test_a_large_allocation_fails_inside_and_not_after():
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with limited_memory(2**28):
        assert bytearray(2**20)
        with pytest.raises(MemoryError):
            bytearray(2**30)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    assert len(bytearray(2**29)) == 2**29


def test_the_limit_goes_when_the_last_block_ends_also_after_an_error():
    before = resource.getrlimit(resource.RLIMIT_DATA)
    inside, go = threading.Event(), threading.Event()

    def hold():
        with limited_memory(2**30):
            inside.set()
            go.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    assert inside.wait(10)
    with pytest.raises(ValueError, match="own"), limited_memory(2**30):
        raise ValueError("own")
    assert resource.getrlimit(resource.RLIMIT_DATA) != before
    go.set()
    thread.join()
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_a_lower_limit_of_the_user_stays():
    before = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (2**36, before[1]))
    try:
        with limited_memory(2**50):
            assert resource.getrlimit(resource.RLIMIT_DATA)[0] == 2**36
        assert resource.getrlimit(resource.RLIMIT_DATA)[0] == 2**36
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
