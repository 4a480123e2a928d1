"""A Winnow that has one of everything a page of the desk can show, and the URL of each page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pyotp
from werkzeug.routing import Rule

from moderation.actor import OPERATOR
from moderation.audit import AuditLine
from moderation.campaign import traits_of
from moderation.channels import Channel
from moderation.comment import Author, Comment, Decision, Post
from moderation.credentials import KeyKind
from moderation.delivery import DeliveryState
from moderation.endpoint import Endpoint
from moderation.events import EventType
from moderation.factors import new_secret
from moderation.reminders import Subscription, failed
from moderation.site import Door
from moderation.store.accounts.links import OneTimeLink, Purpose
from moderation.treatment import Subject, SubjectKind, Treatment
from tests.support.actors import ADA, BOB, EVE
from tests.support.world import World

LONG = "Donaudampfschifffahrtsgesellschaft" * 3
LISA = Author(
    "Lisa Gardener",
    "lisa@mail.example",
    "https://lisa.example",
    "203.0.113.7",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    id="42",
)
SELLER = Author("Jam Pots", "seller@jampots.example", ip="198.51.100.4")
STRANGER = Author(LONG[:100], f"{'x' * 60}@{'y' * 60}.example.org", ip="203.0.113.7")
POST = Post("https://garden.example/tomatoes", "When to sow tomatoes")
#: Routes that answer a script, a feed reader or a download, or lead on; the others are pages.
NO_PAGE = frozenset(
    {
        "desk.static", "desk.feed", "desk.export_person", "desk.poll", "desk.first", "desk.count_campaign",
        "desk.following", "desk.settings_of", "desk.text", "docs.static",
    }
)  # fmt: skip
#: Pages for people who have not signed in yet.
OUTSIDE = frozenset(
    {
        "desk.sign_in", "desk.lost_password", "desk.reset", "desk.invitation", "desk.address",
        "desk.act",
    }
)  # fmt: skip
#: The page that asks for a second factor: only between a password and a session.
BETWEEN = "desk.second"


@dataclass(frozen=True)
class Everything:
    """The ids in pages' URLs, queries with which a page looks different, and more URLs of the same page."""

    fill: Mapping[str, str]
    queries: Mapping[str, Sequence[str]]
    more: Mapping[str, Sequence[str]]

    def paths(self, rule: Rule) -> list[str]:
        """Return the URLs at which to look at the page of a rule."""
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda name: self.fill[name[1]], rule.rule)
        if rule.endpoint in {"desk.reset", "desk.invitation", "desk.address"}:
            path = self.fill[rule.endpoint]
        return [
            *[path + query for query in self.queries.get(rule.endpoint, [""])],
            *self.more.get(rule.endpoint, []),
        ]


def pages(world: World, have: Everything) -> list[tuple[str, str]]:
    """Return the endpoint and URL of every page of the application, from its own map of them."""
    return [
        (rule.endpoint, path)
        for rule in sorted(world.app.url_map.iter_rules(), key=str)
        if rule.endpoint.startswith("desk.") or rule.endpoint == "docs.docs"
        if "GET" in (rule.methods or ()) and rule.endpoint not in NO_PAGE and rule.rule != "/desk/"
        for path in have.paths(rule)
    ]


def fill(world: World, *, many: int = 40, sites: int = 39, moderators: int = 26) -> Everything:
    """Fill a Winnow whose administrators are ada and eve; *many* more comments wait."""
    adapters, now = world.adapters, world.adapters.clock.now_ms()
    _settings(world, sites, moderators)
    site = world.site = adapters.accounts.site(world.site.id)
    hook = _endpoints(world)
    held, approved = _comments(world, many)
    notified = _deliveries(world, hook)
    _people(world, moderators)
    seller = next(one for one in held if one.draft.author == SELLER)
    trait = next(one for one in traits_of(seller) if one.kind == "email")
    clean_up = adapters.clean_up(site.id, trait, seller.id, Decision.SPAM, by=ADA)
    lisa = Subject(SubjectKind.EMAIL, LISA.email)
    long = Subject(SubjectKind.EMAIL, STRANGER.email)
    adapters.treat(site.id, lisa, Treatment.TRUST, note="A regular: she knows tomatoes.", by=EVE)
    adapters.treat(site.id, long, Treatment.HOLD, note=LONG, days=7, by=ADA)
    for n in range(5):
        shop = Subject(SubjectKind.DOMAIN, f"shop-{n}.example.org")
        adapters.treat(site.id, shop, Treatment.BLOCK, days=30 if n % 2 else None, by=EVE)
    gone = Subject(SubjectKind.EMAIL, "gone@mail.example")
    world.submit("Please forget me.", author=Author("Gone", gone.value))
    world.screen()
    erasure = adapters.erase_person([site.id], gone, by=ADA)
    world.learn()
    world.submit("still pending")
    newest = held[-1]
    adapters.accounts.note_refused_sign_in("mallory", now_ms=now)
    person = adapters.accounts.moderator("ada")
    letter = adapters.mail_lines(person, person.email, since_ms=0)
    links = {one: adapters.make_link(one, "new", says="new@mail.example") for one in Purpose}
    confirm = OneTimeLink("new", adapters.accounts.link_epoch("new"), "new@mail.example")
    return Everything(
        {
            "site_id": site.id,
            "comment_id": newest.id,
            "endpoint_id": hook.id,
            "clean_up_id": clean_up.id,
            "erasure_id": erasure.id,
            "token": re.search(r"/desk/act/(\S+)", letter)[1],
            "desk.reset": f"/desk/reset/{links[Purpose.RESET]}",
            "desk.invitation": f"/desk/invitation/{links[Purpose.INVITATION]}",
            "desk.address": f"/desk/address/{adapters.links.make(Purpose.ADDRESS, confirm)}",
        },
        {
            "desk.queue": ["", f"?site={site.id}&q=number"],
            "desk.recent": [
                f"?site={site.id}{more}"
                for more in ("", "&q=tomatoes", "&q=nothing-like-it", "&status=spam")
            ],
            "desk.overview": [f"?site={site.id}"],
            "desk.bulk": [
                f"?site={site.id}&kind=author&value={LISA.email}",
                f"?site={site.id}&kind=filter",
            ],
            "desk.campaign": [f"?comment={newest.id}"],
            "desk.person": [
                f"?site={site.id}&kind=email&value={LISA.email}",
                f"?site={site.id}&kind=email&value={STRANGER.email}",
                f"?site={site.id}&kind=domain&value=shop-1.example.org",
            ],
            "desk.people": [f"?site={site.id}"],
            "desk.webhooks": ["", "?state=failed", f"?comment={notified}"],
            "desk.moderators": ["", "?change=eve#change"],
            "desk.audit": ["", "?action=sign-in"],
            "desk.model": [f"?site={site.id}"],
            "desk.learning": [f"?site={site.id}"],
        },
        {"desk.comment": [f"/desk/comments/{one}" for one in (held[-2].id, approved)]},
    )


def _settings(world: World, sites: int, moderators: int) -> None:
    accounts, site, now = world.adapters.accounts, world.site, world.adapters.clock.now_ms()
    allowed = replace(
        site,
        name="Garden notes",
        url="https://garden.example",
        edits=True,
        replies=True,
        mail_links=True,
        quote_comments=True,
        doors=(*site.doors, Door.CORAL),
        saved_texts=("Thank you!", "Please be kind.", LONG),
        policy=replace(site.policy, flag_at={"toxicity": 0.4}, blocked_words=("casino", LONG)),
    )
    accounts.save_site(allowed, was=site, by=ADA, now_ms=now)
    for n in range(sites):
        name = f"{LONG[:90]} {n}" if n % 10 == 9 else f"Blog number {n + 2}"
        other = accounts.add_site(name, now_ms=now)
        if n < 3:
            world.submit(f"toxicity=0.6 abroad {n}", site=other)
    for kind in (KeyKind.API, KeyKind.DOOR):
        accounts.add_key(site.id, kind, name=f"of the {kind}", now_ms=now)
    accounts.add_key(site.id, KeyKind.DOOR, expires_at=2, now_ms=1)
    accounts.set_email("ada", "ada@mail.example", by=OPERATOR, now_ms=now)


def _comments(world: World, many: int) -> tuple[list[Comment], str]:
    """Have comments of every status; return those that wait, the newest last, and the id of an approved one."""
    adapters = world.adapters
    for n in range(6):
        decision = (Decision.APPROVE, Decision.REJECT, Decision.SPAM)[n % 3]
        world.decide(
            f"toxicity={0.42 + n / 20} decided before #{n}", decision, by=(ADA, EVE)[n % 2]
        )
    world.submit(
        *[f"toxicity=0.1 Sow tomatoes in March, number {n}." for n in range(4)],
        author=LISA,
        post=POST,
    )
    world.submit(
        "spam=0.95 toxicity=0.2 refused at once", "toxicity=0.95 refused at once", author=SELLER
    )
    held = world.submit(
        *[
            f"toxicity=0.6 spam=0.3 number {n} " + "and on it goes " * (n % 7 * 6)
            for n in range(many)
        ],
        author=LISA,
        post=POST,
    )
    held += world.submit(
        *[f"spam=0.7 Cheap jam pots at https://jampots.example.org/{n}" for n in range(8)],
        author=SELLER,
    )
    held += world.submit(
        f"toxicity=0.7 {LONG} https://{'z' * 60}.example.org/{LONG}",
        author=STRANGER,
        post=Post("https://garden.example/long", LONG),
    )
    held += world.submit(
        "toxicity=0.8 You know nothing of tomatoes. Call me at 555-0100.", author=LISA, post=POST
    )
    while world.screen():
        pass
    adapters.review(held[0].id, Decision.REJECT, by=BOB, reason="abusive", note=LONG)
    newest = held[-1].id
    adapters.revise(newest, "toxicity=0.8 You know nothing of tomatoes.", revision=1, by=ADA)
    adapters.note(newest, "She is a regular, and usually kind.", by=EVE)
    approved = world.submit("toxicity=0.6 edited, then approved: 555-0100", author=LISA)[0].id
    world.screen()
    adapters.revise(approved, "edited, then approved", revision=1, by=ADA)
    adapters.review(approved, Decision.APPROVE, by=ADA)
    adapters.reply(approved, "Thank you!", by=ADA)
    return [adapters.comments.get(one.id) for one in held[1:]], approved


def _endpoints(world: World) -> Endpoint:
    """Add an endpoint that works and one that is disabled; return the first."""
    adapters, site = world.adapters, world.site
    hook = Endpoint(
        "",
        site.id,
        "https://garden.example/hook",
        events=(EventType.APPROVED, EventType.REPLY),
        description="the blog itself",
    )
    off = Endpoint(
        "", site.id, f"https://{LONG[:60]}.example/hook", description=LONG, enabled=False
    )
    adapters.add_endpoint(off, by=ADA, admin=True)
    return adapters.add_endpoint(hook, by=ADA, admin=True)


def _deliveries(world: World, hook: Endpoint) -> str:
    """Have deliveries of each state; return the id of a comment that one of them tells of."""
    adapters = world.adapters
    notified = [world.comment(f"Hello, number {n}.").id for n in range(4)]
    now = adapters.clock.now_ms()
    adapters.deliveries.fan_out(world.site.id, [hook], now_ms=now)
    leased = adapters.deliveries.lease(0, "a:1", most=4, lease_ms=1000, now_ms=now)
    refused = {"at": now, "status": 500, "error": f"the answer was 500: {LONG}"}
    for one, state, attempt in zip(
        leased,
        (DeliveryState.FAILED, DeliveryState.DELIVERED, DeliveryState.DUE),
        (refused, {"at": now, "status": 200}, refused),
        strict=False,
    ):
        adapters.deliveries.finish(one, state, attempt=attempt, next_ms=now + 300_000, now_ms=now)
    return notified[0]


def _people(world: World, moderators: int) -> None:
    adapters, site, now = world.adapters, world.site, world.adapters.clock.now_ms()
    world.add_moderator("bob", sites=[site.id])
    world.add_moderator("new", sites=[site.id])
    world.add_moderator("fay")
    for n in range(moderators):
        world.add_moderator(f"moderator {n}" if n else LONG[:100], sites=[site.id])
    kept = adapters.accounts.moderator("bob")
    disabled = replace(kept, disabled=True)
    adapters.accounts.save_moderator(disabled, was=kept, by=ADA, now_ms=now)
    secret = new_secret()
    adapters.add_app("fay", secret, pyotp.TOTP(secret).at(now // 1000), by=OPERATOR)
    notices = adapters.notices
    for channel, address in (
        (Channel.MAIL, "ada@mail.example"),
        (Channel.SLACK, "https://hooks.slack.com/services/T0/B0/tokentoken"),
    ):
        wish = notices.subscribe(
            "ada",
            Subscription(channel=channel, address=address, quiet=(22, 7), sites=(site.id,)),
            now_ms=now,
        )
    notices.failed("ada", failed(wish, OSError(f"the mail server refused it: {LONG}"), now_ms=now))
    notices.open_feed("ada")
    adapters.accounts.note(AuditLine(now, EVE, "sign-in", "desk"))
    adapters.accounts.add_token(LONG[:90], now_ms=now)
