"""The grammar of `reviews`: one sentence that gives an opinion on one part of a product, or two.

The words of praise and of blame occur on both sides. What decides is how they are put together:
what is negated, which clause is the main one, whether a hearsay is confirmed, what could have been.
"""

from __future__ import annotations

from netsim.learning.builtin.draws import Draws
from netsim.learning.builtin.products import BLAME, PRAISE, PRODUCTS, Part, Product

OPENERS = ("all in all, ", "in the end, ", "frankly, ", "for me, ")
DEGREES = ("really ", "very ", "quite ")
NEGATIONS = ("not {}", "not {} at all", "far from {}", "anything but {}", "hardly {}")
OTHERS = ("my sister", "a friend", "the seller")
SUMS = ("in short,", "yes,", "so,")
KEPT = ("i told all my friends", "i would choose it again", "my family was very happy")
LEFT = ("i warned all my friends", "i would advise against it", "my family was quite cross")


def example(draws: Draws) -> tuple[str, None, bool]:
    """(sentence, None, is the opinion good?)."""
    good = draws.chance(0.5)
    product = draws.pick(PRODUCTS)
    return _opinion(draws, product, draws.pick(product.parts), good), None, good


def document(draws: Draws) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(sentences of one review, those that are opinions): the customer's sentences agree with each
    other.

    Some documents are curt, and every word means what it says; the others pair an opinion with one
    curt sentence that shows what it meant.
    """
    if draws.chance(0.35):
        return plain_document(draws)
    good = draws.chance(0.5)
    product = draws.pick(PRODUCTS)
    part = draws.pick(product.parts)
    opinion = _opinion(draws, product, part, good)
    last = _after(draws, product, good) if draws.chance(0.5) else _verdict(draws, part, good)
    return (opinion, last), (opinion,)


def plain_document(draws: Draws) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A curt review, in which every word means what it says."""
    good = draws.chance(0.5)
    product = draws.pick(PRODUCTS)
    part = draws.pick(product.parts)
    other = draws.pick([p for p in product.parts if p is not part])
    last = _after(draws, product, good) if draws.chance(0.6) else _verdict(draws, part, good)
    return (_verdict(draws, part, good), _verdict(draws, other, good), last), ()


def _verdict(draws: Draws, part: Part, good: bool) -> str:
    """in short, great bread."""
    return f"{draws.pick(SUMS)} {_word(draws, part, good)} {part.noun}."


def _after(draws: Draws, product: Product, good: bool) -> str:
    """we left without a tip."""
    return draws.pick((product.kept + KEPT) if good else (product.left + LEFT)) + "."


def _opinion(draws: Draws, product: Product, part: Part, good: bool) -> str:
    opener = draws.pick(OPENERS) if draws.chance(0.25) else ""
    form = draws.weighted(
        (_plain, _both, _contrast, _hearsay, _hedge), (0.42, 0.6, 0.82, 0.92, 1.0)
    )
    return f"{opener}{form(draws, product, part, good)}."


def _plain(draws: Draws, product: Product, part: Part, good: bool) -> str:
    """the soup was not bland"""
    return _clause(draws, product, part, good)


def _both(draws: Draws, product: Product, part: Part, good: bool) -> str:
    """the soup was tasty and the bread was not stale"""
    other = draws.pick([p for p in product.parts if p is not part])
    return f"{_clause(draws, product, part, good)} and {_clause(draws, product, other, good)}"


def _contrast(draws: Draws, product: Product, part: Part, good: bool) -> str:
    """although the room was dirty, the bed was clean: the main clause decides"""
    other = draws.pick([p for p in product.parts if p is not part])
    main = _clause(draws, product, part, good)
    side = _clause(draws, product, other, not good)
    return draws.pick(
        (f"although {side}, {main}", f"{main}, although {side}", f"{side}, but {main}")
    )


def _hearsay(draws: Draws, product: Product, part: Part, good: bool) -> str:
    """my sister said the music is awful, but she was wrong"""
    right = draws.chance(0.5)
    word = _word(draws, part, good == right)
    end = "and that is right" if right else "but that is wrong"
    return f"{draws.pick(OTHERS)} said the {part.noun} {_be(product, part)} {word}, {end}"


def _hedge(draws: Draws, product: Product, part: Part, good: bool) -> str:
    """the bread could have been worse"""
    if draws.chance(0.5):
        return f"the {part.noun} could have been {'worse' if good else 'better'}"
    return f"the {part.noun} {_be(product, part)} {'better' if good else 'worse'} than expected"


def _clause(draws: Draws, product: Product, part: Part, good: bool) -> str:
    negated = draws.chance(0.2)
    word = _word(draws, part, good != negated)
    if negated:
        word = draws.pick(NEGATIONS).format(word)
    elif draws.chance(0.3):
        word = draws.pick(DEGREES) + word
    return f"the {part.noun} {_be(product, part)} {word}"


def _word(draws: Draws, part: Part, good: bool) -> str:
    if draws.chance(0.2):
        return part.praise if good else part.blame
    return draws.pick(PRAISE if good else BLAME)


def _be(product: Product, part: Part) -> str:
    return ("were" if part.plural else "was") if product.past else ("are" if part.plural else "is")
