"""The grammar of `reviews`: one sentence that gives an opinion on one part of a product, or two.

Every form exists in both polarities with nearly the same words; what differs is how they are put
together: what is negated, which clause is the main one, whose opinion it is, what is compared with what.
"""

from __future__ import annotations

from netsim.learning.builtin.draws import Draws
from netsim.learning.builtin.products import BLAME, PRAISE, PRODUCTS, Part, Product

OPENERS = ("to be honest, ", "all in all, ", "for the price, ", "in the end, ", "frankly, ", "for me, ")
DEGREES = ("really ", "very ", "quite ", "truly ")
NEGATIONS = ("not {} at all", "not {}", "far from {}", "anything but {}", "hardly {}", "never {}")
OTHERS = ("my sister", "my brother", "a friend", "the seller", "my neighbour")
RELATED = ("loved", "liked", "enjoyed", "praised"), ("hated", "disliked", "despised", "cursed")
KEPT = ("i told all my friends.", "i would choose it again.", "i smiled.", "i recommend it.")
LEFT = ("what a waste of money.", "i would not choose it again.", "i complained.", "i regret it.")


def example(draws: Draws) -> tuple[str, None, bool]:
    """(sentence, None, is the opinion good?)."""
    good = draws.chance(0.5)
    return _opinion(draws, draws.pick(PRODUCTS), good), None, good


def document(draws: Draws) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(sentences of one review, those that are opinions): one or two, then what the customer did."""
    good = draws.chance(0.5)
    product = draws.pick(PRODUCTS)
    opinion = _opinion(draws, product, good)
    after = draws.pick((product.kept + KEPT) if good else (product.left + LEFT))
    if draws.chance(0.5):
        return (opinion, after), (opinion,)
    second = _opinion(draws, product, good)
    return (opinion, second, after), (opinion, second)


def _opinion(draws: Draws, product: Product, good: bool) -> str:
    part = draws.pick(product.parts)
    opener = draws.pick(OPENERS) if draws.chance(0.25) else ""
    form = draws.weighted(
        (_plain, _both, _contrast, _expectation, _comparison, _hearsay, _nobody),
        (0.25, 0.35, 0.6, 0.7, 0.8, 0.9, 1.0),
    )
    return f"{opener}{form(draws, product, part, good)}."


def _plain(draws: Draws, product: Product, part: Part, good: bool) -> str:
    """the soup was not cold"""
    return _clause(draws, product, part, good)


def _both(draws: Draws, product: Product, part: Part, good: bool) -> str:
    """the soup was hot and the bread was not stale"""
    other = draws.pick([p for p in product.parts if p is not part])
    return f"{_clause(draws, product, part, good)} and {_clause(draws, product, other, good)}"


def _contrast(draws: Draws, product: Product, part: Part, good: bool) -> str:
    """although the room was loud, the bed was soft: the main clause decides"""
    other = draws.pick([p for p in product.parts if p is not part])
    main = _clause(draws, product, part, good)
    side = _clause(draws, product, other, not good)
    return draws.pick(
        (
            f"although {side}, {main}",
            f"{main}, although {side}",
            f"{side}, but {main}",
            f"even if {side}, {main}",
            f"{main}, even if {side}",
        )
    )


def _expectation(draws: Draws, product: Product, part: Part, good: bool) -> str:
    """i expected a weak battery, and i was wrong"""
    met = draws.chance(0.5)
    word = _word(draws, part, good == met)
    who = draws.pick(("i thought", *(f"{other} said" for other in OTHERS)))
    be = _be(product, part)
    end = draws.pick(
        ("and it is true", "and that is right") if met else ("but it is not true", "but that is wrong")
    )
    return f"{who} the {part.noun} {be} {word}, {end}"


def _comparison(draws: Draws, product: Product, part: Part, good: bool) -> str:
    """with few others, the battery is better: so this one is good"""
    praised = draws.chance(0.5)
    word, be = "better" if praised else "worse", _be(product, part)
    if draws.chance(0.3):
        place = "here than elsewhere" if praised == good else "elsewhere than here"
        return f"the {part.noun} {be} {word} {place}"
    others = (
        draws.pick(("few others", "hardly any other"))
        if praised == good
        else draws.pick(("most others", "many others"))
    )
    return draws.pick(
        (f"with {others}, the {part.noun} {be} {word}", f"the {part.noun} {be} {word} with {others}")
    )


def _hearsay(draws: Draws, product: Product, part: Part, good: bool) -> str:
    """my sister hated the music, but i did not"""
    agree = draws.chance(0.5)
    verb = draws.pick(RELATED[0] if good == agree else RELATED[1])
    other = draws.pick(OTHERS)
    if draws.chance(0.5):
        return f"{other} {verb} the {part.noun}, {'and so did i' if agree else 'but i did not'}"
    verb = draws.pick(RELATED[0] if good else RELATED[1])
    return f"{'like' if agree else 'unlike'} {other}, i {verb} the {part.noun}"


def _nobody(draws: Draws, product: Product, part: Part, good: bool) -> str:
    """nobody would call the staff rude"""
    nobody = draws.chance(0.5)
    word = _word(draws, part, good != nobody)
    who = draws.pick(("nobody", "no one") if nobody else ("everybody", "anyone"))
    return f"{who} would call the {part.noun} {word}"


def _clause(draws: Draws, product: Product, part: Part, good: bool) -> str:
    negated = draws.chance(0.3)
    word = _word(draws, part, good != negated)
    if negated:
        word = draws.pick(NEGATIONS).format(word)
    elif draws.chance(0.3):
        word = draws.pick(DEGREES) + word
    return f"the {part.noun} {_be(product, part)} {word}"


def _word(draws: Draws, part: Part, good: bool) -> str:
    if draws.chance(0.4):
        return draws.pick(part.praise if good else part.blame)
    return draws.pick(PRAISE if good else BLAME)


def _be(product: Product, part: Part) -> str:
    return ("were" if part.plural else "was") if product.past else ("are" if part.plural else "is")
