"""Threads decode ahead, but not far."""

import threading
import time

import pytest

from melanoma_detect.scoring.workers import ahead


def test_results_come_in_order_whoever_is_first():
    def work(number):
        time.sleep(0.002 * (number % 3))
        return number

    assert list(ahead(work, range(30), workers=3)) == list(range(30))


def test_only_so_many_tasks_are_taken_ahead():
    taken = []

    def tasks():
        for number in range(1000):
            taken.append(number)
            yield number

    results = ahead(str, tasks(), workers=2)
    assert next(results) == "0"
    assert len(taken) == 5
    assert next(results) == "1"
    assert len(taken) == 6
    results.close()


def test_the_work_goes_on_while_results_are_used():
    started = [threading.Event() for _ in range(4)]
    results = ahead(lambda number: started[number].set(), range(4), workers=1)
    next(results)
    assert started[2].wait(timeout=5)
    results.close()


def test_what_goes_wrong_in_a_thread_comes_out_and_ends_the_threads():
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        list(ahead(lambda number: 1 // number, range(3), workers=2))
    assert threading.active_count() == before
