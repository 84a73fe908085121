"""What the reviews talk about: products, their parts, and words that praise or blame a part.

Many words praise one part and blame another (a quick phone, a quick ending; a loud speaker, a loud room),
as they do in life: the word alone does not tell the opinion.
"""

from __future__ import annotations

from dataclasses import dataclass

PRAISE = ("good", "great", "excellent", "superb", "wonderful", "impressive", "brilliant", "lovely")
BLAME = ("bad", "poor", "awful", "terrible", "dreadful", "disappointing", "horrible", "mediocre")


@dataclass(frozen=True)
class Part:
    """One thing to have an opinion about."""

    noun: str
    praise: tuple[str, ...]
    blame: tuple[str, ...]
    plural: bool = False


@dataclass(frozen=True)
class Product:
    """A kind of product, and what people do after they liked it or not."""

    noun: str
    past: bool  # one speaks of a meal in the past, of a phone in the present
    parts: tuple[Part, ...]
    kept: tuple[str, ...]  # sentences that follow a good opinion
    left: tuple[str, ...]  # sentences that follow a bad one


def _part(noun: str, praise: str, blame: str, plural: bool = False) -> Part:
    return Part(noun, tuple(praise.split()), tuple(blame.split()), plural)


PRODUCTS = (
    Product(
        "phone",
        False,
        (
            _part("battery", "strong reliable", "weak unreliable"),
            _part("screen", "bright sharp", "dim blurry"),
            _part("camera", "sharp quick", "blurry slow"),
            _part("speakers", "loud clear", "quiet muffled", plural=True),
            _part("case", "light solid", "heavy flimsy"),
        ),
        ("i bought a second one for my mother.", "i use it every day.", "it stays in my pocket."),
        ("i sent it back the next day.", "it is now in a drawer.", "i went back to my old one."),
    ),
    Product(
        "headphones",
        False,
        (
            _part("sound", "clear rich", "thin muffled"),
            _part("cushions", "soft large", "hard small", plural=True),
            _part("cable", "long solid", "short flimsy"),
            _part("microphone", "clear reliable", "muffled unreliable"),
            _part("bass", "strong rich", "weak thin"),
        ),
        ("i wear them every day.", "i bought a second pair.", "i take them on every trip."),
        ("i sent them back.", "they are now in a drawer.", "i gave them away."),
    ),
    Product(
        "blender",
        False,
        (
            _part("blade", "sharp quick", "dull slow"),
            _part("motor", "quiet strong", "loud weak"),
            _part("lid", "tight solid", "loose flimsy"),
            _part("buttons", "large clear", "small stiff", plural=True),
            _part("jug", "light large", "heavy small"),
        ),
        (
            "i use it every day.",
            "i bought a second one for my mother.",
            "it has earned its place in the kitchen.",
        ),
        ("i sent it back.", "i gave it away.", "i went back to my old one."),
    ),
    Product(
        "film",
        True,
        (
            _part("plot", "clever tight", "predictable thin"),
            _part("acting", "warm convincing", "wooden flat"),
            _part("ending", "clever surprising", "rushed predictable"),
            _part("music", "soft memorable", "loud dull"),
            _part("jokes", "fresh sharp", "stale flat", plural=True),
        ),
        ("we went to see it again.", "we stayed to the very end.", "i told all my friends to see it."),
        ("we left before the end.", "i fell asleep.", "i asked for my money back."),
    ),
    Product(
        "novel",
        True,
        (
            _part("story", "clever surprising", "slow predictable"),
            _part("characters", "warm memorable", "flat wooden", plural=True),
            _part("style", "clear light", "heavy dull"),
            _part("chapters", "short lively", "long dull", plural=True),
            _part("dialogue", "lively sharp", "stiff wooden"),
        ),
        ("i read it twice.", "i gave a copy to all my friends.", "i could not put it down."),
        ("i stopped after ten pages.", "i fell asleep.", "i gave it away."),
    ),
    Product(
        "restaurant",
        True,
        (
            _part("soup", "hot rich", "cold thin"),
            _part("service", "quick friendly", "slow rude"),
            _part("portions", "large rich", "small cold", plural=True),
            _part("bread", "fresh soft", "stale hard"),
            _part("waiters", "friendly quick", "rude slow", plural=True),
        ),
        ("we will be back next week.", "we ordered more.", "we left a big tip."),
        ("we will never go back.", "we left before dessert.", "we left no tip."),
    ),
    Product(
        "hotel",
        True,
        (
            _part("room", "quiet large", "loud small"),
            _part("bed", "soft large", "hard small"),
            _part("staff", "friendly reliable", "rude unreliable"),
            _part("shower", "hot strong", "cold weak"),
            _part("breakfast", "fresh rich", "stale cold"),
        ),
        ("we stayed another night.", "we will be back next summer.", "we left a big tip."),
        ("we will never go back.", "we left a day early.", "i asked for my money back."),
    ),
)
