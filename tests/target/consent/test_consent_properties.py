"""No interleaving of imports, lag, local acts, other programs and moves contacts a no, or loses a yes for good."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from target_contactdb.consent_values import Status
from tests.target.consent.world import ADDRESSES, PEOPLE, Said, Template, World, inhabitant

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from random import Random

    Step = tuple[t.Any, ...]
    Story = Sequence[Step]

# A story is short and dense: every word that is in it weighs about as much as every other, imports more.
VERBS = [
    *("says yes", "says yes", "says no", "is set to", "is saved", "moves to"),
    *("tells yes of", "tells no of", "bounces", "others write"),
    *("import", "import", "import", "import all", "import all"),
]


def a_step(chance: Random) -> Step:
    """Make up one step. Most of what happens happens to the first of a village, so that a story has a thread."""
    verb = chance.choice(VERBS)
    who = chance.choice([*PEOPLE, PEOPLE[0], PEOPLE[0]])
    match verb:
        case "import all":
            return (verb,)
        case "says yes" | "says no":
            return (verb, who, chance.choice([0, 1]))
        case "is set to":
            return (verb, who, chance.choice(["PENDING", "NOT_SUBSCRIBED", "INVALID"]))
        case "moves to":
            return (verb, who, chance.choice([*ADDRESSES, None]))
        case "tells yes of" | "tells no of":
            return (verb, who, chance.choice([None, chance.randrange(15)]))
        case "others write":
            return (verb, who, chance.choice(["yes", "no", "bounce"]))
        case "import":
            return (verb, who, chance.choice([0, 0, 0, 0, 1, 2]))
    return (verb, who)


def made_up(chance: Random) -> list[list[Step]]:
    """Make up the stories of forty villages."""
    return [[a_step(chance) for _step in range(chance.randint(6, 14))] for _village in range(40)]


def happen(world: World, village: int, step: Step) -> None:
    """Let one step of one village's story happen."""
    match step:
        case ("import all",):
            for one in PEOPLE:
                world.send(inhabitant(village, one))
        case (verb, one, *more):
            happen_to(world, verb, inhabitant(village, one), *more)


def happen_to(world: World, verb: str, number: int, value: t.Any = None) -> None:
    """Let something happen to one person."""
    match verb:
        case "says yes" | "says no":
            # One second ago is when the step before happened: a tie.
            world.speak(number, "SUBSCRIBED" if verb == "says yes" else "UNSUBSCRIBED", world.now - value)
        case "is set to":
            world.reset(number, value)
        case "is saved":
            world.change(world.customers[number])
        case "moves to":
            world.move(number, value)
        case "import":
            world.send(number, value)
        case "tells yes of":
            world.tell(number, Status.SUBSCRIBED, at=value)
        case "tells no of":
            world.tell(number, Status.UNSUBSCRIBED, at=value)
        case "bounces":
            world.tell(number, Status.UNSUBSCRIBED, cause="hard bounce")
        case _:
            world.others_write(number, value)


def tell_all(world: World, stories: Sequence[Story]) -> t.Iterator[None]:
    """Tell the stories of all villages side by side, a second for a step, and import everybody at the end."""
    yield from ()
    for turn in range(max(len(story) for story in stories)):
        world.now += 1
        for village, story in enumerate(stories):
            if turn < len(story):
                happen(world, village, story[turn])
        world.take_in()
        yield
    world.now += 1
    for village in range(len(stories)):
        happen(world, village, ("import all",))
    world.take_in()
    yield


def last(said: Iterable[int]) -> int:
    """Return the latest second, or one before all time."""
    return max(said, default=-1)


def acts_behind(world: World, number: int, address: str) -> list[Said]:
    """Return the acts that count for a contact on an address: all about that address, and the person's own.

    A bounce and a local opt-in stay with their address; a no of the person's own moves along until a yes answers it.
    """
    known = {*world.said.get(number // 10, ()), *(one for one in [world.unnoticed.get(number)] if one)}
    own = [one for one in known if one.number == number]
    answered = last(one.second for one in own if one.kind == "yes")
    moving = [
        one for one in own if (one.kind == "no" and one.second >= answered) or (one.kind == "yes" and not one.local)
    ]
    return [*moving, *(one for one in known if one.address == address)]


def wrongly_contactable(world: World) -> list[int]:
    """Return who may be written to although the last act that the system knows of was not a yes."""
    wrong = []
    for number, address in world.contactable().items():
        acts = acts_behind(world, number, address)
        noes = last(one.second for one in acts if one.kind == "no")
        bounces = last(one.second for one in acts if one.kind == "bounce")
        yes = last(one.second for one in acts if one.kind == "yes")
        local_yes = last(one.second for one in acts if one.kind == "yes" and one.local)
        # No import restores after a bounce, but the person may.
        if yes <= noes or (bounces >= 0 and local_yes <= bounces):
            wrong.append(number)
    return wrong


def sharers(world: World, number: int) -> set[int]:
    """Return who ever shared an address with somebody, or with one who did: they share their noes."""
    people, addresses = {number}, set(world.held[number])
    for _hop in PEOPLE:
        people |= {other for other, held in world.held.items() if held & addresses}
        addresses |= {address for other in people for address in world.held[other]}
    return people


def lost(world: World) -> list[int]:
    """Return who may not be written to although it told the shop yes, later than anybody said anything else."""
    contactable = world.contactable()
    missing = []
    for number, customer in world.customers.items():
        if customer.state != "SUBSCRIBED" or customer.consent_at is None or customer.address is None:
            continue
        mine = [one for one in world.said.get(number // 10, ()) if one.number in sharers(world, number)]
        noes = last(one.known_at for one in mine if one.kind == "no")
        bounced = any(one.kind == "bounce" for one in mine)
        if customer.consent_at > noes and not bounced and number not in contactable:
            missing.append(number)
    return missing


def shown(numbers: Sequence[int], stories: Sequence[Story]) -> str:
    """Return the stories of some people, for the one who reads a failure."""
    return "\n".join(f"person {number % 10}: {stories[number // 10]}" for number in numbers[:3])


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """A migrated database, once for all worlds."""
    return Template.make(tmp_path_factory.mktemp("world"))


PROPERTY = settings(
    # An example is a database with forty stories. A failure shows the stories that went wrong: nothing to shrink.
    max_examples=6,
    phases=[Phase.generate],
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@given(chance=st.randoms(use_true_random=True))
@PROPERTY
def test_nobody_is_ever_contactable_whose_last_act_was_not_a_yes(template, tmp_path, chance):
    stories = made_up(chance)
    world = World.make(template, tmp_path / "world.db", len(stories))
    try:
        for _second in tell_all(world, stories):
            wrong = wrongly_contactable(world)
            assert wrong == [], f"second {world.now}\n{shown(wrong, stories)}"
    finally:
        world.close()


@given(chance=st.randoms(use_true_random=True))
@PROPERTY
def test_nobody_who_said_yes_last_is_lost_for_good(template, tmp_path, chance):
    stories = made_up(chance)
    world = World.make(template, tmp_path / "world.db", len(stories))
    try:
        for _second in tell_all(world, stories):
            pass
        missing = lost(world)
        assert missing == [], shown(missing, stories)
    finally:
        world.close()
