"""A site's settings: its policy with sliders, lists and a what-if, and what is kept and let in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import islice, pairwise
from typing import Any

from flask import flash, redirect, request, url_for
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    FloatField,
    HiddenField,
    IntegerField,
    PasswordField,
    RadioField,
    SelectChoice,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from moderation.changes import Change, difference
from moderation.comment import Comment, Status
from moderation.errors import Conflict, InvalidInput, NotFound
from moderation.insight import WhatIf, what_if
from moderation.lists import DomainList, Hit, Place, WordList, disallowed, domains_in
from moderation.policy import LISTS, NEVER, Mode, Policy, Thresholds
from moderation.scores import Label
from moderation.site import MAX_DAYS, Door, Retention, Site
from moderation.workflow.judging import defaults_of
from service.context import winnow
from service.desk.base import (
    administrator,
    bp,
    changed_meanwhile,
    digest_of,
    my_site,
    my_sites,
    myself,
)
from service.desk.pages import page
from service.desk.words import WORDS, _, later

#: Past comments that a what-if looks at.
LOOKED_AT = 1000
#: Changes that a page of settings shows; the audit page has all.
CHANGES = 5

MODES = {
    Mode.HOLD_DOUBTFUL: later(
        "Hold what is doubtful: the verdict acts, and moderators see the rest."
    ),
    Mode.HOLD_ALL: later("Hold everything: nothing is published before a moderator approved it."),
    Mode.SHADOW: later("Shadow: approve everything, and record what would have happened."),
}
DOORS = {
    Door.AKISMET: later("Akismet: WordPress and whatever else speaks Akismet"),
    Door.PERSPECTIVE: later("Perspective: clients of Google’s comment analyzer"),
    Door.OPENAI: later("OpenAI: clients of its moderation endpoint"),
    Door.CORAL: later("Coral: its external moderation phase, with the signing secret it shows"),
}
#: Statuses whose texts are kept for a time, in the order of the page.
KEPT = (Status.APPROVED, Status.FLAGGED, Status.REJECTED, Status.SPAM)

_PERCENT = [
    Optional(),
    NumberRange(0, round(NEVER * 100), later("A percentage of 0 to 100; 101: never.")),
]
_DAYS = [InputRequired(later("A number of days.")), NumberRange(0, MAX_DAYS)]


class PolicyForm(FlaskForm):
    """What a site does with a scored comment; thresholds are added below, two for each label."""

    mode = RadioField(
        later("Mode"), choices=[SelectChoice(mode.value, told) for mode, told in MODES.items()]
    )
    blocked_words = TextAreaField(later("Blocked words"))
    blocked_domains = TextAreaField(later("Blocked domains"))
    allowed_words = TextAreaField(later("Allowed words"))
    allowed_domains = TextAreaField(later("Allowed domains"))
    language = StringField(later("Language of the site"), [Length(max=35)])
    disallowed = TextAreaField(later("WordPress’s list of disallowed comment keys"))
    staff_roles = TextAreaField(later("Staff roles"))
    hold_links_over = IntegerField(
        later("Hold comments with more links than"), [Optional(), NumberRange(0, 1000)]
    )
    hold_near_duplicates = IntegerField(
        later("Hold what so many other authors sent nearly alike"),
        [Optional(), NumberRange(1, 1000)],
    )
    hold_first_comment = BooleanField(later("Hold an author’s first comment"))
    hold_unknown_language = BooleanField(later("Hold languages that the model does not know"))
    sample = TextAreaField(later("Try the lists on a text"), [Length(max=20_000)])
    #: The policy that the form was made from, so that nobody overwrites what they have not seen.
    seen = HiddenField()
    #: The policy whose what-if was shown last.
    previewed = HiddenField()


for _label in Label:
    for _bar, _name in (
        ("flag", later("Hold %(label)s from", label=WORDS[_label])),
        ("reject", later("Reject %(label)s from", label=WORDS[_label])),
    ):
        setattr(PolicyForm, f"{_bar}_{_label}", FloatField(_name, _PERCENT))


class SiteForm(FlaskForm):
    """What a site is called, how long it keeps what, and which doors lead to it."""

    name = StringField(later("Name"), [InputRequired(), Length(max=100)])
    url = StringField(later("Address"), [Length(max=2000)])
    approved = IntegerField(later("Approved"), _DAYS)
    flagged = IntegerField(later("Held"), _DAYS)
    rejected = IntegerField(later("Rejected"), _DAYS)
    spam = IntegerField(later("Spam"), _DAYS)
    verdict_days = IntegerField(later("All the rest of a comment"), _DAYS)
    let_go = BooleanField(later("Let go of what is older; no revert brings it back"))
    doors = SelectMultipleField(
        later("Doors"), choices=[SelectChoice(door.value, told) for door, told in DOORS.items()]
    )
    record_doors = BooleanField(
        later("Also record what Perspective’s and OpenAI’s clients have scored")
    )
    coral_secret = PasswordField(later("Coral’s signing secret"), [Length(max=500)])
    seen = HiddenField()


@dataclass(frozen=True, slots=True)
class Tried:
    """What the test box found: entries of the lists, by list, and where the words stand."""

    words: list[Hit]
    domains: list[Hit]
    #: The text in pieces, each with the entries of the blocked words that it is part of.
    pieces: list[tuple[str, list[str]]]

    def __bool__(self) -> bool:
        """Whether anything was found."""
        return bool(self.words or self.domains)


@bp.get("/settings")
def settings_of() -> Any:
    """Lead to a page of a site's settings: the one asked for, or the first site's policy."""
    administrator()
    sites = my_sites()
    if not sites:
        return redirect(url_for("desk.new_site"))
    site = my_site(request.args["site"]) if request.args.get("site") else sites[0]
    to = request.args.get("page", "")
    pages = {"settings", "site_settings", "keys", "webhooks"}
    return redirect(url_for(f"desk.{to if to in pages else 'settings'}", site_id=site.id))


@bp.route("/sites/<site_id>/settings", methods=["GET", "POST"])
def settings(site_id: str) -> Any:
    """Show and change a site's policy; what a change would do is shown before it is saved."""
    administrator()
    site, form = my_site(site_id), PolicyForm()
    if request.method == "GET":
        _fill(form, site.policy)
        return _policy_page(site, form)
    act, problem = request.form.get("act", ""), ""
    if act == "import":
        _import(form)
    policy = _policy(form, site.policy)
    if policy is None:
        return _policy_page(site, form), 422
    if act == "import":
        return _policy_page(site, form, policy=policy)
    if act == "test":
        return _policy_page(site, form, policy=policy, tried=_tried(form))
    if form.seen.data != digest_of(asdict(site.policy)):
        look = _("Look at what your values change now before you save.")
        problem = f"{changed_meanwhile(site.id, 'site.save')} {look}"
    elif act == "save" and (
        policy == site.policy or form.previewed.data == digest_of(asdict(policy))
    ):
        return _saved(site, replace(site, policy=policy), "desk.settings")
    outlook = what_if(_past(site), site.policy, policy, _defaults())
    return _policy_page(site, form, policy=policy, outlook=outlook, problem=problem, asked=act)


@bp.route("/sites/<site_id>/site", methods=["GET", "POST"])
def site_settings(site_id: str) -> Any:
    """Show and change what a site is called, what it keeps, and its doors."""
    administrator()
    site, form, context = my_site(site_id), SiteForm(), winnow()
    if request.method == "GET":
        _fill_site(form, site)
        return _site_page(site, form)
    if not form.validate():
        return _site_page(site, form), 422
    changed = _site(form, site)
    problem = ""
    if form.seen.data != digest_of(asdict(site)):
        look = _("Look at your values again, and save.")
        problem = f"{changed_meanwhile(site.id, 'site.save')} {look}"
    if _shorter(site.retention, changed.retention) and not form.let_go.data:
        form.let_go.errors = [_("Some times are shorter than before: tick this to agree.")]
    if Door.CORAL in changed.doors and not (form.coral_secret.data or _has_secret(site)):
        form.coral_secret.errors = [_("This door needs the secret that Coral shows.")]
    if problem or form.let_go.errors or form.coral_secret.errors:
        return _site_page(site, form, problem=problem), 409 if problem else 422
    try:
        answer = _saved(site, changed, "desk.site_settings")
    except (InvalidInput, Conflict) as refused:
        return _site_page(site, form, problem=str(refused)), 422
    if form.coral_secret.data:
        context.accounts.set_door_secret(
            site.id,
            Door.CORAL,
            form.coral_secret.data,
            by=myself(),
            now_ms=context.clock.now_ms(),
        )
    return answer


# -- the policy


def _policy_page(
    site: Site,
    form: PolicyForm,
    *,
    policy: Policy | None = None,
    outlook: WhatIf | None = None,
    tried: Tried | None = None,
    problem: str = "",
    asked: str = "",
) -> str:
    policy = policy or site.policy
    form.seen.data = form.seen.data if form.errors else digest_of(asdict(site.policy))
    form.previewed.data = digest_of(asdict(policy)) if outlook else ""
    defaults = _defaults()
    return page(
        "settings.html",
        site=site,
        sites=my_sites(),
        form=form,
        labels=list(Label),
        defaults=defaults,
        bars=policy.thresholds(defaults),
        outlook=outlook,
        changes=_told(site.policy, policy),
        first_comment_changed=policy.hold_first_comment != site.policy.hold_first_comment,
        asked=asked,
        tried=tried,
        problem=problem,
        latest=_latest(site),
    )


def _fill(form: PolicyForm, policy: Policy) -> None:
    form.mode.data = policy.mode.value
    for name in LISTS:
        form[name].data = "\n".join(getattr(policy, name))
    form.language.data = policy.language
    for name in (
        "hold_links_over", "hold_near_duplicates", "hold_first_comment", "hold_unknown_language"
    ):  # fmt: skip
        form[name].data = getattr(policy, name)
    for label in Label:
        for bars, name in (
            (policy.flag_at, f"flag_{label}"),
            (policy.reject_at, f"reject_{label}"),
        ):
            form[name].data = round(bars[label] * 100, 2) if label in bars else None


def _policy(form: PolicyForm, old: Policy) -> Policy | None:
    """Return the policy that *form* describes; None, its fields saying why, if it cannot be."""
    sound = form.validate()
    for field, check in (
        (form.blocked_words, WordList),
        (form.blocked_domains, DomainList),
        (form.allowed_words, WordList),
        (form.allowed_domains, DomainList),
    ):
        try:
            check(_lines(field.data))
        except InvalidInput as problem:
            field.errors = [f"{str(problem)[0].upper()}{str(problem)[1:]}."]
            sound = False
    if not sound:
        return None
    policy = replace(
        old,
        mode=Mode(form.mode.data),
        flag_at=_bars(form, "flag"),
        reject_at=_bars(form, "reject"),
        blocked_words=_entries(form.blocked_words.data),
        blocked_domains=_entries(form.blocked_domains.data),
        allowed_words=_entries(form.allowed_words.data),
        allowed_domains=_entries(form.allowed_domains.data),
        language=(form.language.data or "").strip(),
        staff_roles=_entries(form.staff_roles.data),
        hold_first_comment=form.hold_first_comment.data,
        hold_unknown_language=form.hold_unknown_language.data,
        hold_links_over=form.hold_links_over.data,
        hold_near_duplicates=form.hold_near_duplicates.data,
    )
    try:
        policy.check()
    except InvalidInput as problem:
        form[str(problem.field).partition(".")[0]].errors = [str(problem)]
        return None
    return policy


def _bars(form: PolicyForm, name: str) -> dict[str, float]:
    typed = {label: form[f"{name}_{label}"].data for label in Label}
    return {str(label): round(at / 100, 4) for label, at in typed.items() if at is not None}


def _tried(form: PolicyForm) -> Tried:
    """Return what the lists, as they are typed, find in the sample."""
    text, language = form.sample.data or "", form.language.data or ""
    blocked, allowed = (
        WordList(_lines(field.data), language=language)
        for field in (form.blocked_words, form.allowed_words)
    )
    places = blocked.places_in(text, unless=allowed)
    return Tried(
        words=sorted({place.hit for place in places}),
        domains=DomainList(_lines(form.blocked_domains.data)).all_in(
            domains_in(text), unless=DomainList(_lines(form.allowed_domains.data))
        ),
        pieces=_pieces(text, places),
    )


def _pieces(text: str, places: list[Place]) -> list[tuple[str, list[str]]]:
    """Cut *text* wherever an entry begins or ends; each piece comes with the entries it is part of."""
    cuts = sorted({0, len(text), *(at for place in places for at in (place.begin, place.end))})
    return [
        (
            text[begin:end],
            [p.hit.entry for p in places if p.begin <= begin and end <= p.end],
        )
        for begin, end in pairwise(cuts)
    ]


def _import(form: PolicyForm) -> None:
    """Add WordPress's list to the lists as they are typed; nothing is saved."""
    told = disallowed(form.disallowed.data or "")
    for field, entries in ((form.blocked_words, told.words), (form.blocked_domains, told.domains)):
        field.data = "\n".join(dict.fromkeys((*_entries(field.data), *entries)))
    form.disallowed.data = ""


def _lines(typed: str | None) -> list[str]:
    return [line.strip() for line in (typed or "").splitlines()]


def _entries(typed: str | None) -> tuple[str, ...]:
    """Return each line once, without the blank ones."""
    return tuple(dict.fromkeys(filter(None, _lines(typed))))


def _defaults() -> Thresholds:
    model = winnow().model
    if model is None:
        return Thresholds({}, {})
    return defaults_of(model)


def _past(site: Site) -> list[Comment]:
    return list(islice(_newest(site), LOOKED_AT))


def _newest(site: Site) -> Iterator[Comment]:
    cursor = None
    while True:
        some = winnow().comments.recent(site.id, cursor=cursor, limit=200)
        yield from some.items
        cursor = some.next
        if cursor is None:
            return


# -- the site


def _site_page(site: Site, form: SiteForm, *, problem: str = "") -> str:
    form.seen.data = form.seen.data if form.errors else digest_of(asdict(site))
    return page(
        "site.html",
        site=site,
        sites=my_sites(),
        form=form,
        kept=[form[status.value] for status in KEPT],
        has_secret=_has_secret(site),
        problem=problem,
        latest=_latest(site),
    )


def _fill_site(form: SiteForm, site: Site) -> None:
    form.name.data, form.url.data = site.name, site.url
    for status in KEPT:
        form[status.value].data = site.retention.text_days.get(status, MAX_DAYS)
    form.verdict_days.data = site.retention.verdict_days
    form.doors.data = [door.value for door in site.doors]
    form.record_doors.data = site.record_doors


def _site(form: SiteForm, site: Site) -> Site:
    days = {status.value: form[status.value].data for status in KEPT}
    return replace(
        site,
        name=form.name.data,
        url=form.url.data or "",
        retention=Retention({**site.retention.text_days, **days}, form.verdict_days.data),
        doors=tuple(door for door in Door if door in form.doors.data),
        record_doors=form.record_doors.data,
    )


def _shorter(old: Retention, new: Retention) -> bool:
    return new.verdict_days < old.verdict_days or any(
        days < old.text_days.get(status, MAX_DAYS) for status, days in new.text_days.items()
    )


def _has_secret(site: Site) -> bool:
    try:
        winnow().accounts.door_secret(site.id, Door.CORAL)
    except NotFound:
        return False
    return True


# -- both


def _saved(site: Site, changed: Site, to: str) -> Any:
    context = winnow()
    if changed == site:
        flash(_("Nothing was different, so nothing was saved."))
    else:
        context.accounts.save_site(changed, was=site, by=myself(), now_ms=context.clock.now_ms())
        flash(_("Saved. It can be reverted below or on the audit page."))
    return redirect(url_for(to, site_id=site.id))


def _latest(site: Site) -> list[Any]:
    return winnow().accounts.audit(about=site.id, action="site.save", limit=CHANGES)


def _told(old: Policy, new: Policy) -> Mapping[str, Change]:
    return {
        f"policy.{name}": change
        for name, change in difference(old.to_dict(), new.to_dict()).items()
    }
