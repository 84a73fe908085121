"""The grammar of `passages`: a question about a place in an invented county, and a sentence of its
chronicle.

The sentence answers the question, or comes close: another place of the same kind, another deed,
another thing told of the same deed, or a plain "nobody knows". All words occur on both sides
equally often.
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


def example(draws: Draws) -> tuple[str, str, bool]:
    """(question, sentence, does it answer?)."""
    question, sentence, answers, _ = _pair(draws)
    return question, sentence, answers


def document(draws: Draws) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """((question, sentence, reply), (key,)): the reply repeats the answer, or says what was
    missed.
    """
    question, sentence, answers, reply = _pair(draws)
    return (question, sentence, draws.pick(YES if answers else NO).format(reply)), (
        f"{question}\t{sentence}",
    )


def plain_document(draws: Draws) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """As `document`, but the sentence answers without more ado."""
    fact: Fact = (draws.pick(TOLD), draws.pick(DEEDS), draws.pick(KINDS), draws.pick(TOWNS))
    content = draws.pick(CONTENT[fact[0]])
    question, sentence = _ask(fact), _state(draws, fact, content) + "."
    return (question, sentence, draws.pick(YES).format(content)), (f"{question}\t{sentence}",)


def _pair(draws: Draws) -> tuple[str, str, bool, str]:
    """(question, sentence, does it answer?, the answer or the field of the question that was
    missed).
    """
    answers = draws.chance(0.5)
    fact: Fact = (draws.pick(TOLD), draws.pick(DEEDS), draws.pick(KINDS), draws.pick(TOWNS))
    content = draws.pick(CONTENT[fact[0]])
    if draws.chance(0.15 if answers else 0.35):
        sentence = _with_gap(draws, fact, content, answers)
        missed = fact[0]
    else:
        field = draws.weighted((0, 2, 3), (0.86, 0.93, 1.0))  # most misses tell something else
        stated = fact if answers else _change(draws, fact, field)
        sentence = (
            _state(draws, stated, content if answers else draws.pick(CONTENT[stated[0]])) + "."
        )
        missed = fact[field]
    return _ask(fact), sentence, answers, content if answers else missed


def _change(draws: Draws, fact: Fact, field: int) -> Fact:
    """The fact with one of its four fields changed."""
    pool = (TOLD, DEEDS, KINDS, TOWNS)[field]
    changed = list(fact)
    changed[field] = draws.pick([value for value in pool if value != fact[field]])
    return changed[0], changed[1], changed[2], changed[3]


def _with_gap(draws: Draws, fact: Fact, content: str, answers: bool) -> str:
    """Two clauses, one of which says what is not known."""
    told = draws.pick([value for value in TOLD if value != fact[0]])
    known, gap = (fact[0], told) if answers else (told, fact[0])
    stated = _state(draws, (known, *fact[1:]), content if answers else draws.pick(CONTENT[told]))
    return f"{stated}, but {draws.pick(UNKNOWN)} {gap}."


def _ask(fact: Fact) -> str:
    told, deed, kind, town = fact
    if told == WHO:
        return f"who {deed} the {kind} of {town}?"
    return f"{told} was the {kind} of {town} {deed}?"


def _state(draws: Draws, fact: Fact, content: str) -> str:
    told, deed, kind, town = fact
    place = f"the {kind} of {town}" if draws.chance(0.6) else f"{town}'s {kind}"
    return f"{place} was {deed} {LINK[told]} {content}"
