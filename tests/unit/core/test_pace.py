"""Token bucket and backoff, on a clock that the test moves."""

from __future__ import annotations

import asyncio

import pytest

from bridge.core.pace import Backoff, TokenBucket


class Clock:
    """Time that passes only when somebody sleeps or the test says so; keeps every sleep."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


def bucket(clock: Clock, rate: float, burst: float) -> TokenBucket:
    return TokenBucket(rate, burst, clock=clock, sleep=clock.sleep)


async def test_the_burst_is_free_and_then_the_rate_holds() -> None:
    clock = Clock()
    pace = bucket(clock, rate=4, burst=3)
    for _ in range(3):
        await pace.take()
    assert clock.slept == []
    for _ in range(8):
        await pace.take()
    assert clock.now == pytest.approx(102.0)
    assert clock.slept == pytest.approx([0.25] * 8)


async def test_idle_time_fills_up_to_the_burst_and_not_beyond() -> None:
    clock = Clock()
    pace = bucket(clock, rate=10, burst=2)
    await pace.take(2)
    clock.now += 1000
    assert [pace.try_take() for _ in range(3)] == [True, True, False]


async def test_more_than_the_burst_leaves_a_debt() -> None:
    clock = Clock()
    pace = bucket(clock, rate=1, burst=2)
    await pace.take(10)
    assert clock.now == 100
    await pace.take()
    assert clock.now == pytest.approx(109.0)


async def test_takers_are_served_in_the_order_they_came_in() -> None:
    clock = Clock()
    pace = bucket(clock, rate=1, burst=1)
    served: list[int] = []

    async def taker(number: int, tokens: float) -> None:
        await pace.take(tokens)
        served.append(number)

    # A later taker that wants little must not overtake an earlier one that wants much.
    wants = [1, 1, 5, 1, 3, 1]
    await asyncio.gather(*(taker(number, tokens) for number, tokens in enumerate(wants)))
    assert served == [0, 1, 2, 3, 4, 5]


async def test_try_take_does_not_overtake_one_who_waits() -> None:
    now = 0.0
    asleep = asyncio.Event()
    wake = asyncio.Event()

    async def sleep(seconds: float) -> None:
        asleep.set()
        await wake.wait()

    pace = TokenBucket(1, 1, clock=lambda: now, sleep=sleep)
    assert pace.try_take()
    waiting = asyncio.create_task(pace.take())
    await asleep.wait()
    now = 1.0
    assert not pace.try_take(), "the token that came is the waiting one's"
    wake.set()
    await waiting
    now = 2.0
    assert pace.try_take()


async def test_who_gives_up_has_taken_nothing() -> None:
    now = 0.0
    asleep = asyncio.Event()

    async def sleep(seconds: float) -> None:
        asleep.set()
        await asyncio.Event().wait()

    pace = TokenBucket(1, 1, clock=lambda: now, sleep=sleep)
    assert pace.try_take()
    waiting = asyncio.create_task(pace.take())
    await asleep.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    now = 1.0
    assert pace.try_take()


async def test_a_rate_of_nothing_is_no_limit() -> None:
    clock = Clock()
    pace = bucket(clock, rate=0, burst=1)
    for _ in range(1000):
        await pace.take(50)
    assert pace.try_take()
    assert clock.slept == []


async def test_a_clock_that_steps_back_gives_and_takes_nothing() -> None:
    clock = Clock()
    pace = bucket(clock, rate=1, burst=1)
    assert pace.try_take()
    clock.now -= 50
    assert not pace.try_take()
    clock.now += 1
    assert pace.try_take()


@pytest.mark.parametrize(("rate", "burst"), [(-1, 1), (1, 0), (0, 0.5)])
def test_a_bucket_that_could_never_serve_is_refused(rate: float, burst: float) -> None:
    with pytest.raises(ValueError, match=r"rate|burst"):
        TokenBucket(rate, burst)


def test_pauses_grow_to_the_cap_and_start_again() -> None:
    backoff = Backoff(first=0.5, factor=2, cap=3, jitter=0)
    assert [backoff.next() for _ in range(5)] == [0.5, 1, 2, 3, 3]
    backoff.reset()
    assert backoff.next() == 0.5


def test_jitter_spreads_to_both_sides() -> None:
    assert Backoff(first=10, jitter=0.2, random=lambda: 0.0).next() == pytest.approx(8)
    assert Backoff(first=10, jitter=0.2, random=lambda: 0.5).next() == pytest.approx(10)
    assert Backoff(first=10, jitter=0.2, random=lambda: 1.0).next() == pytest.approx(12)
    own = {Backoff(first=10).next() for _ in range(20)}
    assert len(own) > 1
    assert all(8 <= pause <= 12 for pause in own)


@pytest.mark.parametrize("chance", [0.0, 0.3, 0.999])
@pytest.mark.parametrize("after", [0.0, 0.45, 0.5, 7.0, 500.0])
def test_a_named_time_is_never_undercut(after: float, chance: float) -> None:
    pause = Backoff(first=0.5, cap=60, jitter=0.2, random=lambda: chance).next(after)
    assert after <= pause <= max(after, 0.5) * 1.2


def test_a_named_time_still_counts_as_a_failure() -> None:
    backoff = Backoff(first=1, factor=2, jitter=0)
    assert [backoff.next(10), backoff.next(), backoff.next()] == [10, 2, 4]


@pytest.mark.parametrize(
    "bad", [{"first": 0}, {"factor": 0.5}, {"first": 9, "cap": 1}, {"jitter": 2}, {"jitter": -0.1}]
)
def test_pauses_that_make_no_sense_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"backoff|jitter"):
        Backoff(**bad)  # type: ignore[arg-type]
