import threading

import pytest

from edgemnist.runtime.engines.pool import Pool


def pool_of(limit: int) -> Pool[object]:
    return Pool(object(), object, limit)


def test_a_pool_makes_objects_up_to_its_limit():
    pool = pool_of(3)
    taken = {pool.idle.pop(), pool.take(), pool.take()}
    assert len(taken) == 3


def test_a_thread_beyond_the_limit_waits_for_what_is_given_back():
    pool = pool_of(1)
    item = pool.idle.pop()
    taken: list[object] = []
    waiter = threading.Thread(target=lambda: taken.append(pool.take()))
    waiter.start()
    while not pool.waiting:
        pass
    assert taken == []
    pool.idle.append(item)
    pool.hand_over()
    waiter.join(timeout=10)
    assert taken == [item]
    assert pool.waiting == 0


def test_no_object_is_ever_with_two_threads_and_none_is_lost():
    pool = pool_of(2)
    in_use: set[object] = set()
    clashes: list[object] = []

    def work() -> None:
        for _ in range(2000):
            try:
                item = pool.idle.pop()
            except IndexError:
                item = pool.take()
            if item in in_use:
                clashes.append(item)
            in_use.add(item)
            in_use.discard(item)
            pool.idle.append(item)
            if pool.waiting:
                pool.hand_over()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    assert clashes == []
    assert pool.waiting == 0


def test_what_cannot_be_made_counts_for_nothing():
    def fail() -> object:
        raise MemoryError

    pool: Pool[object] = Pool(object(), fail, 2)
    item = pool.idle.pop()
    for _ in range(3):
        with pytest.raises(MemoryError):
            pool.take()
    pool.idle.append(item)
    assert pool.idle.pop() is item
