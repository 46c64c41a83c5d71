"""The exact figures: against figures known elsewhere, and against each other where they must meet."""

from __future__ import annotations

from math import exp, factorial, isclose

import pytest

from benchmarks.theory import formulas
from benchmarks.theory.chain import Chain, Rank, reserved_longest_ago
from benchmarks.theory.skills import KindWaits, longest_idle
from benchmarks.theory.systems import System, one_queue, skilled
from tests.theory.cases import M4, THREE, W3


def close(found: float, known: float, digits: float) -> bool:
    return isclose(found, known, rel_tol=digits)


@pytest.mark.parametrize(
    ("rate", "mean_work", "servers", "p_wait", "mean"),
    [
        (2.0, 1.0, 3, 0.444444, 0.444444),
        (1 / 18, 180.0, 13, 0.28527, 17.12),
        (1000.0, 0.09, 100, 0.21694, 0.001952),
        (968.4, 1.0, 1000, 0.22176, 0.00702),
        (996.84, 100.0, 100_000, 0.22346, 0.0707),
    ],
)
def test_one_queue(rate: float, mean_work: float, servers: int, p_wait: float, mean: float) -> None:
    found = formulas.waits(rate, mean_work, servers)
    assert close(found.p_wait, p_wait, 3e-5)
    assert close(found.mean, mean, 5e-4)


def test_service_levels() -> None:
    assert close(formulas.waits(2.0, 1.0, 3).within(1.0), 0.8365, 5e-5)
    assert close(formulas.waits(1 / 18, 180.0, 13).within(20.0), 0.7956, 5e-5)
    assert close(formulas.waits(1000.0, 0.09, 100).within(0.01), 0.9286, 5e-5)


def test_erlang_c_is_the_sum_over_the_states() -> None:
    load, servers = 5.0, 6
    states = [load**n / factorial(min(n, servers)) / servers ** max(0, n - servers) for n in range(400)]
    assert close(formulas.erlang_c(load, servers), sum(states[servers:]) / sum(states), 1e-12)


def test_a_queue_with_too_much_work_has_no_figures() -> None:
    with pytest.raises(ValueError, match="too much"):
        formulas.waits(3.0, 1.0, 3)


def test_two_priorities() -> None:
    high, low = formulas.cobham((0.4, 0.5), 10.0, 10)
    assert close(high, 1.11455, 5e-6)
    assert close(low, 11.14553, 5e-6)
    # Who is served first does not change how much waiting there is.
    assert close((0.4 * high + 0.5 * low) / 0.9, formulas.waits(0.9, 10.0, 10).mean, 1e-12)


def test_abandonment() -> None:
    found = formulas.abandonment(1000.0, 0.1, 100, 0.1)
    assert close(found.p_wait, 0.51330, 2e-5)
    assert close(found.p_abandon, 0.03986, 5e-5)
    assert close(found.mean_queue, 3.986, 5e-5)


def test_nobody_abandons_whose_patience_has_no_end() -> None:
    found, endless = formulas.abandonment(2.0, 1.0, 3, 1e9), formulas.waits(2.0, 1.0, 3)
    assert close(found.p_wait, endless.p_wait, 1e-6)
    assert close(found.mean_queue, 2.0 * endless.mean, 1e-6)


def test_patience_in_whole_seconds_is_patience_where_waits_are_long() -> None:
    fine, known = (
        formulas.whole_seconds(3e-3, 1000.0, 3, 1000.0),
        formulas.abandonment(3e-3, 1000.0, 3, 1000.0),
    )
    assert close(fine.p_wait, known.p_wait, 1e-5)
    assert close(fine.p_abandon, known.p_abandon, 1e-5)
    assert close(fine.mean_queue, known.mean_queue, 1e-5)
    # P(abandon) = Lq / patience / rate.
    assert close(known.p_abandon, known.mean_queue / 1000 / 3e-3, 1e-12)


def test_nobody_leaves_in_the_first_second() -> None:
    found, endless = formulas.whole_seconds(100.0, 0.09, 10, 0.01), formulas.waits(100.0, 0.09, 10)
    assert found.p_abandon < endless.p_wait * exp(-1 / endless.tail) * 1.01
    assert close(found.p_wait, endless.p_wait, 1e-4)


@pytest.mark.parametrize(
    ("system", "known"),
    [
        (W3, [(0.67480, 1.51586), (0.60439, 1.18335)]),
        (M4, [(0.38017, 0.38017), (0.60506, 0.84819), (0.68305, 1.27393)]),
    ],
    ids=["W3", "M4"],
)
def test_skills(system: System, known: list[tuple[float, float]]) -> None:
    for found, (p_wait, mean) in zip(longest_idle(system), known, strict=True):
        assert close(found.p_wait, p_wait, 1e-5)
        assert close(found.mean, mean, 1e-5)


def test_skills_that_everybody_has_are_one_queue() -> None:
    known = formulas.waits(2.0, 1.0, 3)
    both = skilled("", {"a": (1.5, (0, 1, 2)), "b": (0.5, (0, 1, 2))}, (1.0, 1.0, 1.0), 1)
    for found in (*longest_idle(THREE), *longest_idle(both)):
        assert close(found.p_wait, known.p_wait, 1e-12)
        assert close(found.mean, known.mean, 1e-12)


def test_work_that_only_some_can_do_and_cannot_keep_up_with_has_no_figures() -> None:
    system = skilled("split", {"a": (1.1, (0,)), "b": (0.1, (0, 1))}, (1.0, 1.0), 1)
    with pytest.raises(ValueError, match="split: more work"):
        longest_idle(system)


def test_the_chain_has_the_product_form_where_the_longest_idle_comes_first() -> None:
    for found, known in zip(Chain(W3, Rank.IDLE, 1e-4).solve(), longest_idle(W3), strict=True):
        assert close(found.p_wait, known.p_wait, 3e-4)
        assert close(found.mean, known.mean, 4e-3)  # longer queues than the chain has
        assert found.mean < known.mean


def test_with_one_queue_the_order_of_workers_changes_nothing() -> None:
    (found,), known = reserved_longest_ago(one_queue("", 1.0, 1.0, 2, 1)), formulas.waits(1.0, 1.0, 2)
    assert close(found.p_wait, known.p_wait, 1e-6)
    assert close(found.mean, known.mean, 1e-6)


def test_with_skills_it_does() -> None:
    n_system = skilled("N", {"a": (0.9, (0, 1)), "b": (0.3, (1,))}, (1.0, 1.0), 1)
    ours, idle = reserved_longest_ago(n_system), longest_idle(n_system)
    assert ours != idle
    assert all(isinstance(found, KindWaits) for found in ours)


def test_tails() -> None:
    found = formulas.waits(2.0, 1.0, 3)
    assert close((1 - found.within(3.0)) / (1 - found.within(1.0)), exp(-2.0), 1e-12)
