"""``winnow demo``: comments of our own writing, so that the desk can be seen at work."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from time import monotonic, sleep

import click
from tqdm import tqdm

from moderation import wiring
from moderation.comment import Author, Draft, Post
from moderation.records import IntakeOutcome
from moderation.store.liveness import ALIVE_MS, Part
from moderation.workflow.screening import Limits
from service.cli.base import answer, as_json, loaded_model, storage

#: Comments that are submitted together.
BATCH = 50
_SLOT = re.compile(r"\{(\w+)\}")
_WAIT_SECONDS = 60.0
#: Oldest heartbeat of a worker that counts as running, in milliseconds.

#: Words for the slots of the sentences.
WORDS: Mapping[str, Sequence[str]] = {
    "thing": ("finale", "second episode", "whole season", "opening scene", "last ten minutes", "soundtrack"),
    "who": ("the sheriff", "Mara", "the nurse", "old Tobias", "the twins", "the villain"),
    "dish": ("lentil soup", "plum cake", "sourdough", "pumpkin curry", "leek tart", "rye bread"),
    "part": ("crust", "sauce", "filling", "dough", "glaze"),
    "tool": ("backup script", "reverse proxy", "cron job", "build server", "mail queue", "old router"),
    "praise": ("Loved it", "What a ride", "Beautifully done", "I could not stop watching", "Best one so far"),
    "mild": ("a bit slow", "too dark to see anything", "badly paced", "a waste of a good cast", "plain boring"),
    "rude": ("idiot", "moron", "pathetic loser", "clown", "worthless hack"),
    "veiled": ("1d10t", "m o r o n", "p@thetic l0ser", "id-iot", "stup1d cl0wn"),
    "town": ("Leeds", "Graz", "Porto", "Tampere", "Utrecht", "Aarhus"),
    "name": ("Ada", "Bruno", "Chidi", "Dalia", "Emre", "Freja", "Goran", "Hana", "Ines", "Jonas", "Kemi", "Luca"),
    "number": ("2", "3", "4", "5", "6"),
    "pill": ("slimming pills", "blue pills", "sleeping pills", "miracle drops"),
    "coin": ("bitcoin", "crypto", "forex"),
    "shop": ("pills-now", "lucky-spins", "fast-essays", "quick-loans", "coin-double"),
    "brand": ("printer", "router", "antivirus", "e-mail account"),
}  # fmt: skip

#: How many of a hundred comments are of each kind, under which post, and their sentences.
KINDS: Sequence[tuple[int, str, Sequence[str]]] = (
    (22, "series", (
        "{praise}! The {thing} had me in tears, and {who} stole every scene.",
        "Who else thinks {who} will be back? That look at the end of the {thing} says it all.",
        "{who} as a pill-popping night nurse is the role of a lifetime. More of that, please!",
        "I watched the {thing} with my grandmother, who shouted at the screen the whole time. {praise}.",
        "When {who} shot the lamp and the room went dark, I screamed. What a killer {thing}.",
        "Rewatched the {thing} last night in {town}. It still holds up after {number} years.",
    )),
    (12, "recipe", (
        "Made the {dish} on Sunday, and the {part} came out perfect. Thank you!",
        "My {dish} has never been this good. I added a little more salt to the {part}.",
        "Could I freeze the {dish}, or does the {part} go soggy? Asking for {number} hungry children.",
        "Half the sugar is plenty, but otherwise this {dish} is a keeper. Greetings from {town}.",
    )),
    (10, "server", (
        "If the {tool} hangs, kill the child process first and then the parent; it left zombies here.",
        "Thanks, that fixed our {tool}. I had to abort the first run, and the master branch was stale.",
        "Does this also work behind a {tool}? Mine dies after {number} minutes with a timeout.",
        "Small typo in step {number}: the flag has two dashes. Great write-up of the {tool} otherwise.",
    )),
    (9, "series", (
        "Sorry, but the {thing} was {mild}. {who} deserved better writing than that.",
        "I seem to be the only one who hated the {thing}. It was {mild}, and the twist made no sense.",
        "The {thing} is garbage compared to the book. {mild}, and the ending is a crime.",
    )),
    (6, "server", (
        "We compared both in our notes: https://notes.example.org/{tool} has the numbers.",
        "The manual says otherwise, see https://docs.example.org/manual/{number}.",
        "I wrote this up at https://{name}.example.net/{number} with pictures of our {tool}.",
    )),
    (5, "series", (
        "I was called '{rude}' here for liking {who}. Can we please stay friendly?",
        'Calling people "{rude}" because of a TV show says more about you than about them.',
        "As a gay man from {town} I was so glad to see {who} written as a person and not as a joke.",
        "My Muslim neighbours and I watch the {thing} together every week. {praise}!",
    )),
    (9, "series", (
        "You {rude}, nobody cares what you think about {who}.",
        "What a {rude}. Did your mother write this review for you?",
        "Only a {veiled} could like the {thing}. Go away, {veiled}.",
        "People like you are the reason everything is ruined. Shut up, {rude}.",
        "I know where you live in {town}, and I will make you regret this review.",
    )),
    (12, "recipe", (
        "Buy {pill} without prescription, cheap and discreet: http://{shop}.example/{pill}",
        "I made $5,{number}00 a week with {coin} thanks to Mr {name}! Write him on WhatsApp +1 555 010 {number}{number}{number}{number}.",
        "Best online casino, {number}00 free spins: http://{shop}.example/spin http://{shop}.example/win",
        "Call our {brand} support number 1-800-555-01{number}{number} any time, certified technicians wait for you.",
        "Dr {name} the spell caster brought my husband back in {number} days! E-mail dr.{name}@{shop}.example.",
        "Need money today? Loan approval in {number} minutes, bad credit is no problem: http://{shop}.example/apply",
        "Our writers deliver your essay in {number} hours, 100% plagiarism free: http://{shop}.example/order",
    )),
    (8, "recipe", (
        "Nice post. I learned a lot from your website and will bookmark it. Visit my page http://{shop}.example",
        "Great article, very informative! Keep up the good work. http://{shop}.example/{name}",
        "I really appreciate this wonderful post that you have provided for us. Do visit {shop}.example too.",
    )),
    (4, "server", (
        "asdf", "First!!!", "Test, please ignore.", "lol {name} was here", "???",
    )),
    (3, "series", (
        "Das {number}. Mal gesehen und immer noch begeistert. Viele Grüße aus {town}!",
        "Me encantó el final, pero la música estaba muy alta. Saludos desde {town}.",
    )),
)  # fmt: skip

POSTS: Mapping[str, Post] = {
    "series": Post("https://blog.example/2026/11/night-shift-finale/", "Night Shift: the finale"),
    "recipe": Post("https://blog.example/2026/11/soup-and-cake/", "Soup, cake and a cold Sunday"),
    "server": Post("https://blog.example/2026/10/my-small-server/", "What runs on my small server"),
}


@click.group()
def demo() -> None:
    """Try Winnow with comments of our own writing.

    Example: ./winnow demo seed
    """


@demo.command()
@click.option("--site", "name", default="demo", show_default=True, help="Which site to fill.")
@click.option("--count", type=click.IntRange(1, 10_000), default=300, show_default=True)
@as_json
def seed(name: str, count: int, *, as_json: bool) -> None:
    """Submit some hundreds of varied comments: fans, critics, questions, spam, insults.

    They go the way of every comment and may be erased like any other. The same comments are not
    submitted twice. Without running workers they are screened by this command itself.

    Example: ./winnow demo seed --count 500
    """
    drafts, fresh = list(comments(count)), 0
    with storage() as adapters:
        site = adapters.accounts.site(name)
        for at in tqdm(range(0, count, BATCH), unit="batch", disable=None):
            accepted = adapters.submit(drafts[at : at + BATCH], site=site)
            fresh += sum(one.outcome is IntakeOutcome.NEW for one in accepted)
        _screened(adapters)
        counts = {key: value for key, value in adapters.comments.counts(site.id).items() if value}
        url = f"{adapters.settings.url}/desk/queue"
    lines = [f"{fresh} new comments in {site.name}. It has now:"]
    lines += [f"  {value:>6,}  {status}" for status, value in counts.items()]
    lines += ["", f"Look at them at {url}"]
    answer({"new": fresh, "comments": counts}, as_json=as_json, text="\n".join(lines))


def comments(count: int) -> Iterator[Draft]:
    """Yield *count* comments, the same ones each time."""
    chance = random.Random(2026)  # noqa: S311 - drawn to be repeated, not to be secret
    shares = [share for share, _, _ in KINDS]
    for number in range(count):
        _, post, sentences = chance.choices(KINDS, shares)[0]
        who = chance.choice(WORDS["name"])
        yield Draft(
            content=_filled(chance.choice(sentences), chance),
            author=Author(
                name=f"{who} {chance.choice('ABCDEFGHKLMNPRST')}.",
                email=f"{who.lower()}{chance.randrange(40)}@mail.example",
                ip=f"198.51.100.{chance.randrange(1, 255)}",
            ),
            post=POSTS[post],
            external_id=f"demo-{number}",
            parent=f"demo-{chance.randrange(number)}" if number and chance.random() < 0.3 else "",
        )


def _filled(sentence: str, chance: random.Random) -> str:
    """Return *sentence* with chosen words, with a capital where one begins a sentence."""

    def word(slot: re.Match[str]) -> str:
        chosen = chance.choice(WORDS[slot[1]])
        begins = re.search(r"(^|[.!?] )$", sentence[: slot.start()])
        return chosen[:1].upper() + chosen[1:] if begins else chosen

    return _SLOT.sub(word, sentence)


def _screened(adapters: wiring.Adapters) -> None:
    """Wait until no comment is pending; screen them in this process where no worker runs."""
    since = adapters.clock.now_ms() - ALIVE_MS
    if not adapters.liveness.alive(Part.SCREENER, since_ms=since):
        from models import simhash  # noqa: PLC0415 - takes a second

        model = loaded_model(adapters.settings)
        adapters = replace(adapters, current=lambda: model, duplicates=simhash)
        for shard in adapters.comments.shards:
            adapters.screen(
                shard,
                holder="demo:0",
                limits=Limits(budget_seconds=_WAIT_SECONDS, linger_seconds=0),
            )
        return
    until = monotonic() + _WAIT_SECONDS
    while adapters.comments.counts()["pending"] and monotonic() < until:
        sleep(0.1)
