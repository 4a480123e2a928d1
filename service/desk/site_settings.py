"""A site's settings: policy (sliders, lists, what-if), retention and doors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import islice, pairwise
from typing import Any

from flask import flash, redirect, request, url_for
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, PasswordField, TextAreaField
from wtforms.validators import Length

from moderation import fields
from moderation.changes import Change, difference
from moderation.comment import Comment, Status
from moderation.errors import Conflict, InvalidInput, NotFound
from moderation.insight import Outcomes, WhatIf, outcomes, what_if
from moderation.lists import DomainList, Hit, Occurrence, WordList, disallowed, domains_in
from moderation.policy import Policy, Thresholds
from moderation.presets import Bins, Preset, bars_of
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
from service.desk.forms import fields_for, fill, say_beside, typed_into
from service.desk.pages import page
from service.desk.words import _, later

#: Past comments that a what-if looks at.
LOOKED_AT = 1000
#: Past comments on which the presets are compared whenever the page is shown.
COMPARED = 400
#: Changes that a page of settings shows; the audit page has all.
CHANGES = 5

#: Statuses whose texts are kept for a time, in the order of the page.
KEPT = (Status.APPROVED, Status.FLAGGED, Status.REJECTED, Status.SPAM)

PRESETS = {
    Preset.LENIENT: later("lenient"),
    Preset.BALANCED: later("balanced"),
    Preset.STRICT: later("strict"),
}
_SETTINGS = {one.name: one for one in fields.settings_of(Policy)}


class PolicyForm(FlaskForm):
    """The form of a site's policy; the fields of :class:`Policy` are added below."""

    disallowed = TextAreaField(later("WordPress’s list of disallowed comment keys"))
    sample = TextAreaField(later("Try the lists on a text"), [Length(max=20_000)])
    #: Digest of the policy that the form was rendered from: a save is refused if it changed since.
    seen = HiddenField()
    #: The policy whose what-if was shown last.
    previewed = HiddenField()


for _setting in fields.settings_of(Policy):
    for _name, _field in fields_for(_setting).items():
        setattr(PolicyForm, _name, _field)


class SiteForm(FlaskForm):
    """The form of a site's name, retention and doors.

    The fields of :class:`Site` and :class:`Retention` are added below.
    """

    let_go = BooleanField(later("Delete older texts now; no revert brings them back"))
    coral_secret = PasswordField(later("Coral’s signing secret"), [Length(max=500)])
    seen = HiddenField()


for _setting in (*fields.settings_of(Site), *fields.settings_of(Retention)):
    for _name, _field in fields_for(_setting).items():
        setattr(SiteForm, _name, _field)


@dataclass(frozen=True, slots=True)
class Strictness:
    """A preset, or the policy as it is, with its verdicts on past comments."""

    name: str
    preset: Preset | None
    is_current: bool
    outcomes: Outcomes


@dataclass(frozen=True, slots=True)
class Tried:
    """The result of the test box: matching entries by list, and the places of blocked words."""

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
    """Show and change a site's policy; the effect of a change is shown before it is saved."""
    administrator()
    site, form = my_site(site_id), PolicyForm()
    if request.method == "GET":
        fill(form, site.policy)
        return _policy_page(site, form)
    act, problem = request.form.get("act", ""), ""
    if act == "import":
        _import(form)
    if act in set(Preset):
        _use_preset(form, Preset(act))
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
    """Show and change a site's name, retention and doors."""
    administrator()
    site, form, context = my_site(site_id), SiteForm(), winnow()
    if request.method == "GET":
        fill(form, site)
        fill(form, site.retention)
        return _site_page(site, form)
    changed = _site(form, site)
    if changed is None:
        return _site_page(site, form), 422
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


def _strictnesses(policy: Policy, past: list[Comment]) -> list[Strictness]:
    """Return the presets, and the current policy if it differs from all of them."""
    defaults, found = _defaults(), []
    for preset in Preset:
        flag_at, reject_at = bars_of(preset, defaults=defaults, bins=_bins())
        changed = replace(policy, flag_at=flag_at, reject_at=reject_at)
        counts = outcomes(past, changed, defaults)
        found.append(Strictness(PRESETS[preset], preset, changed == policy, counts))
    if not any(one.is_current for one in found):
        own = outcomes(past, policy, defaults)
        found.insert(0, Strictness(_("as it is now"), preset=None, is_current=True, outcomes=own))
    return found


def _use_preset(form: PolicyForm, preset: Preset) -> None:
    """Fill in the numbers of *preset*; nothing is saved."""
    flag_at, reject_at = bars_of(preset, defaults=_defaults(), bins=_bins())
    for name, bars in (("flag_at", flag_at), ("reject_at", reject_at)):
        for label in Label:
            field = form[f"{name}_{label}"]
            field.data = round(bars[label] * 100, 2) if label in bars else None
            field.raw_data = [] if field.data is None else [str(field.data)]
            field.process_errors = []  # of the empty field that it was


def _metrics() -> Mapping[str, Any]:
    metrics: Mapping[str, Any] = getattr(winnow().model, "card", {}).get("metrics", {})
    return metrics


def _bins() -> Mapping[str, Bins]:
    return {label: figures["bins"] for label, figures in _metrics().get("calibration", {}).items()}


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
    defaults, past = _defaults(), list(islice(_newest(site), COMPARED))
    return page(
        "site_settings.html",
        site=site,
        sites=my_sites(),
        form=form,
        settings=_SETTINGS,
        labels=list(Label),
        defaults=defaults,
        bars=policy.thresholds(defaults),
        outlook=outlook,
        strictnesses=_strictnesses(site.policy, past),
        measured=_metrics().get("groups", {}).get("all", {}),
        changes=_told(site.policy, policy),
        first_comment_changed=policy.hold_first_comment != site.policy.hold_first_comment,
        asked=asked,
        tried=tried,
        problem=problem,
        latest=_latest(site),
    )


def _policy(form: PolicyForm, old: Policy) -> Policy | None:
    """Return the policy in *form*; None if it is invalid, with errors on the fields."""
    typed = typed_into(form, Policy)
    if typed is None:
        return None
    policy = replace(old, **typed)
    bars = policy.thresholds(_defaults())
    for label in bars.crossed():
        form[f"flag_at_{label}"].errors = [
            _(
                "Rejected from %(reject)s %% and held only from %(hold)s %%: the score that holds is the lower one.",
                reject=round(100 * bars.reject[label], 1),
                hold=round(100 * bars.flag[label], 1),
            )
        ]
    if bars.crossed():
        return None
    try:
        policy.check()
    except InvalidInput as problem:
        say_beside(form, problem)
        return None
    return policy


def _tried(form: PolicyForm) -> Tried:
    """Return the matches of the submitted lists in the sample text."""
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


def _pieces(text: str, places: list[Occurrence]) -> list[tuple[str, list[str]]]:
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
    imported = disallowed(form.disallowed.data or "")
    for field, entries in (
        (form.blocked_words, imported.words),
        (form.blocked_domains, imported.domains),
    ):
        field.data = "\n".join(dict.fromkeys((*filter(None, _lines(field.data)), *entries)))
    form.disallowed.data = ""


def _lines(typed: str | None) -> list[str]:
    return [line.strip() for line in (typed or "").splitlines()]


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
        settings={
            one.name: one for one in (*fields.settings_of(Site), *fields.settings_of(Retention))
        },
        kept=[form[f"text_days_{status}"] for status in KEPT],
        has_secret=_has_secret(site),
        problem=problem,
        latest=_latest(site),
    )


def _site(form: SiteForm, site: Site) -> Site | None:
    """Return the site in *form*; None if it is invalid, with errors on the fields."""
    typed, kept = typed_into(form, Site), typed_into(form, Retention)
    if typed is None or kept is None:
        return None
    return replace(site, **typed, retention=Retention(**kept))


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
