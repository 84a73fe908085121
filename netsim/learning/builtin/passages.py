"""The grammar of `passages`: a question, and a sentence of an invented county's chronicle.

The question is about a place in the county. The sentence answers it, or comes close: another place
of the same kind, another deed, another thing told of the same deed, or a plain "nobody knows". All
words occur on both sides equally often.
"""

from __future__ import annotations

from netsim.learning.builtin.draws import Draws

KINDS = (
    "bridge",
    "mill",
    "tower",
    "library",
    "harbour",
    "school",
    "museum",
    "station",
    "theatre",
    "castle",
)
TOWNS = (
    "corvale",
    "ostrand",
    "melby",
    "tarnholm",
    "quayle",
    "veston",
    "arlen",
    "dunmere",
    "fenwick",
    "halden",
)
DEEDS = ("built", "repaired", "closed", "sold", "painted", "opened")
PEOPLE = (
    "mara",
    "tobias",
    "ingrid",
    "anselm",
    "beatrix",
    "conrad",
    "dorothea",
    "edmund",
    "felicia",
    "gregor",
    "hedwig",
    "ivo",
    "judith",
    "leander",
    "miriam",
    "nestor",
)
YEARS = tuple(str(year) for year in range(1804, 1900, 6))
REASONS = (
    "storms",
    "fire",
    "debts",
    "war",
    "floods",
    "neglect",
    "quarrels",
    "plague",
    "frost",
    "theft",
    "decay",
    "rivalry",
)

WHEN, WHO, WHY = "when", "who", "why"
TOLD = (WHEN, WHO, WHY)
CONTENT = {WHEN: YEARS, WHO: PEOPLE, WHY: REASONS}
LINK = {WHEN: "in", WHO: "by", WHY: "because of"}
UNKNOWN = ("nobody knows", "no record says", "we do not know", "the chronicle does not say")
YES = ("thanks, i note {}.", "good, i heard {}.", "yes, i see {}.")  # as long as the others:
NO = ("sorry, i said {}.", "no, i asked {}.", "but i meant {}.")  # the length does not tell

Fact = tuple[str, str, str, str]  # what is told, deed, kind, town


def example(draws: Draws) -> tuple[str, str, bool, str]:
    """(question, sentence, does it answer?, kind of place)."""
    fact, sentence, answers, _ = _pair(draws)
    return _ask(fact), sentence, answers, fact[2]


def document(draws: Draws) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """((question, sentence, reply), (key,)).

    The reply repeats the answer, or says what was missed.
    """
    fact, sentence, answers, content = _pair(draws)
    question = _ask(fact)
    replies = YES if answers else NO
    reply = draws.pick(replies).format(content)
    return (question, sentence, reply), (f"{question}\t{sentence}",)


def plain_document(draws: Draws) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """As `document`, but the sentence answers without more ado."""
    fact = _fact(draws)
    content = draws.pick(CONTENT[fact[0]])
    question = _ask(fact)
    sentence = _state(draws, fact, content) + "."
    reply = draws.pick(YES).format(content)
    return (question, sentence, reply), (f"{question}\t{sentence}",)


def _fact(draws: Draws) -> Fact:
    told = draws.pick(TOLD)
    deed = draws.pick(DEEDS)
    kind = draws.pick(KINDS)
    town = draws.pick(TOWNS)
    return told, deed, kind, town


def _pair(draws: Draws) -> tuple[Fact, str, bool, str]:
    """(what is asked, sentence, does it answer?, content).

    The content is the answer, or the field of the question that was missed.
    """
    answers = draws.chance(0.5)
    fact = _fact(draws)
    content = draws.pick(CONTENT[fact[0]])
    if draws.chance(0.15 if answers else 0.35):
        sentence = _with_gap(draws, fact, content, answers)
        missed = fact[0]
    else:
        field = draws.weighted((0, 2, 3), (0.86, 0.93, 1.0))  # most misses tell something else
        stated = fact if answers else _change(draws, fact, field)
        told = content if answers else draws.pick(CONTENT[stated[0]])
        sentence = _state(draws, stated, told) + "."
        missed = fact[field]
    return fact, sentence, answers, content if answers else missed


def _change(
    draws: Draws,
    fact: Fact,
    field: int,
) -> Fact:
    """The fact with one of its four fields changed."""
    pool = (TOLD, DEEDS, KINDS, TOWNS)[field]
    others = [value for value in pool if value != fact[field]]
    changed = list(fact)
    changed[field] = draws.pick(others)
    told, deed, kind, town = changed
    return told, deed, kind, town


def _with_gap(
    draws: Draws,
    fact: Fact,
    content: str,
    answers: bool,
) -> str:
    """Two clauses, one of which says what is not known."""
    asked, deed, kind, town = fact
    other = draws.pick([value for value in TOLD if value != asked])
    known = asked if answers else other
    gap = other if answers else asked
    told = content if answers else draws.pick(CONTENT[other])
    stated = _state(draws, (known, deed, kind, town), told)
    return f"{stated}, but {draws.pick(UNKNOWN)} {gap}."


def _ask(fact: Fact) -> str:
    told, deed, kind, town = fact
    if told == WHO:
        return f"who {deed} the {kind} of {town}?"
    return f"{told} was the {kind} of {town} {deed}?"


def _state(
    draws: Draws,
    fact: Fact,
    content: str,
) -> str:
    told, deed, kind, town = fact
    place = f"{town}'s {kind}"
    if draws.chance(0.6):
        place = f"the {kind} of {town}"
    return f"{place} was {deed} {LINK[told]} {content}"
