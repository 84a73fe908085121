"""The grammar of `passages`: a question about a place in an invented county, and a sentence of its chronicle.

The sentence answers the question, or comes close: another place of the same kind, another deed, another
thing told of the same deed, or a plain "nobody knows". All words occur on both sides equally often.
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
    "chapel",
    "market",
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
    "istria",
    "lorne",
)
DEEDS = ("built", "repaired", "closed", "sold", "painted", "opened", "renamed", "moved")
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
)
YEARS = tuple(str(year) for year in range(1801, 1900, 7))
REASONS = ("storms", "fire", "debts", "war", "floods", "neglect", "quarrels", "plague")

WHEN, WHO, WHY = "when", "who", "why"
TOLD = (WHEN, WHO, WHY)
UNKNOWN = ("nobody knows", "no record says", "we do not know", "the chronicle does not say")
YES = ("that answers it.", "thank you, now i know.", "good, that was my question.")
NO = ("that does not answer it.", "sorry, i still do not know.", "no, that was not my question.")

Fact = tuple[str, str, str, str]  # what is told, deed, kind, town


def example(draws: Draws) -> tuple[str, str, bool]:
    """(question, sentence, does it answer?)."""
    question, sentence, answers, _ = _pair(draws)
    return question, sentence, answers


def document(draws: Draws) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """((question, sentence, what one says to that), (question and sentence as one key,))."""
    question, sentence, answers, _ = _pair(draws)
    after = draws.pick(YES if answers else NO)
    return (question, sentence, after), (f"{question}\t{sentence}",)


def _pair(draws: Draws) -> tuple[str, str, bool, Fact]:
    answers = draws.chance(0.5)
    fact: Fact = (draws.pick(TOLD), draws.pick(DEEDS), draws.pick(KINDS), draws.pick(TOWNS))
    if draws.chance(0.3):
        sentence = _with_gap(draws, fact, answers)
    else:
        sentence = _state(draws, fact if answers else _miss(draws, fact)) + "."
    return _ask(fact), sentence, answers, fact


def _miss(draws: Draws, fact: Fact) -> Fact:
    """The fact with one of its four fields changed."""
    field = draws.pick((0, 1, 2, 3))
    pool = (TOLD, DEEDS, KINDS, TOWNS)[field]
    changed = list(fact)
    changed[field] = draws.pick([value for value in pool if value != fact[field]])
    return changed[0], changed[1], changed[2], changed[3]


def _with_gap(draws: Draws, fact: Fact, answers: bool) -> str:
    """Two clauses, one of which says what is not known."""
    told = draws.pick([value for value in TOLD if value != fact[0]])
    other: Fact = (told, *fact[1:])
    known, gap = (fact, other) if answers else (other, fact)
    return f"{_state(draws, known)}, but {draws.pick(UNKNOWN)} {_gap(gap)}."


def _ask(fact: Fact) -> str:
    told, deed, kind, town = fact
    if told == WHO:
        return f"who {deed} the {kind} of {town}?"
    return f"{told} was the {kind} of {town} {deed}?"


def _gap(fact: Fact) -> str:
    return fact[0]


def _state(draws: Draws, fact: Fact) -> str:
    told, deed, kind, town = fact
    place = f"the {kind} of {town}" if draws.chance(0.6) else f"{town}'s {kind}"
    if told == WHEN:
        end = f"in {draws.pick(YEARS)}"
    elif told == WHO:
        end = f"by {draws.pick(PEOPLE)}"
    else:
        end = f"because of {draws.pick(REASONS)}"
    return f"{place} was {deed} {end}"
