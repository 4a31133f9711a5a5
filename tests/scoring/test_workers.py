"""Threads work ahead of the results, within a bound."""

import threading
import time

import pytest

from melanoma_detect.scoring.workers import parallel_map


def test_results_are_in_the_order_of_the_tasks():
    def work(number):
        time.sleep(0.002 * (number % 3))
        return number

    assert list(parallel_map(work, range(30), workers=3)) == list(range(30))


def test_the_number_of_pending_tasks_is_bounded():
    taken = []

    def tasks():
        for number in range(1000):
            taken.append(number)
            yield number

    results = parallel_map(str, tasks(), workers=2)
    assert next(results) == "0"
    assert len(taken) == 5
    assert next(results) == "1"
    assert len(taken) == 6
    results.close()


def test_threads_work_while_results_are_consumed():
    started = [threading.Event() for _ in range(4)]
    results = parallel_map(lambda number: started[number].set(), range(4), workers=1)
    next(results)
    assert started[2].wait(timeout=5)
    results.close()


def test_an_exception_in_a_thread_is_raised_and_ends_the_threads():
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        list(parallel_map(lambda number: 1 // number, range(3), workers=2))
    assert threading.active_count() == before
