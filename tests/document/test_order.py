"""Which steps have surely ended before another: held against a plain reading of the rule."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from planrunner.document.order import Order

Needs = list[set[int] | None]


@st.composite
def lists(draw: st.DrawFn) -> Needs:
    count = draw(st.integers(1, 9))
    place = st.integers(0, count - 1)
    return [draw(st.one_of(st.none(), st.sets(place, max_size=3))) for _ in range(count)]


def waits_for(needs: Needs, place: int) -> set[int]:
    own = needs[place]
    return set(range(place)) if own is None else own


def before(needs: Needs, place: int) -> set[int]:
    """Everything that is waited for, at one remove or many."""
    found: set[int] = set()
    open_places = [place]
    while open_places:
        for other in waits_for(needs, open_places.pop()) - found:
            found.add(other)
            open_places.append(other)
    return found


@settings(derandomize=True, max_examples=500, deadline=None)
@given(lists())
def test_order_is_what_waiting_makes_it(needs: Needs) -> None:
    order = Order(needs)
    circular = any(place in before(needs, place) for place in range(len(needs)))
    assert bool(order.circle) == circular
    if circular:
        assert order.circle[0] == order.circle[-1]
        assert all(
            other in waits_for(needs, place) for place, other in zip(order.circle, order.circle[1:], strict=False)
        )
        return
    for place in range(len(needs)):
        ended = {target for target in range(len(needs)) if order.has_ended(target, place)}
        assert ended == before(needs, place)


def test_a_long_list_without_needs_keeps_no_edges() -> None:
    order = Order([None] * 20_000)
    assert order.has_ended(0, 19_999)
    assert not order.has_ended(19_999, 0)
    assert order.circle == []
