"""What a site does with a scored comment: allow it, flag it, or reject it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Self

from moderation.comment import MAX_CONTENT_BYTES, Draft, Status
from moderation.errors import InvalidInput
from moderation.facts import NOTHING, Facts
from moderation.feedback import LearningMode
from moderation.fields import (
    Choice,
    Flag,
    Line,
    Lines,
    Numbers,
    Section,
    Whole,
    check_settings,
    load_settings,
    setting,
)
from moderation.identity import people
from moderation.lists import (
    DomainList,
    WordList,
    check_words,
    domain_list,
    domains_in,
    is_turkic,
    links_in,
    word_list,
)
from moderation.normal import is_read_whole
from moderation.reasons import Reason, Value
from moderation.scores import Label, Scores
from moderation.treatment import Treatment
from moderation.verdict import Action, Verdict
from moderation.wording import said

MAX_ENTRIES = 5000
#: A door takes off a tenth of a longer text until it fits (service/doors/akismet.py).
_MAY_BE_CUT_BYTES = MAX_CONTENT_BYTES * 9 // 10 - 4
#: A threshold that no score reaches.
NEVER = 1.01
#: Most spot checks of 1,000 settled comments: more would be a second queue.
MOST_SPOT_CHECKS = 200


class Mode(StrEnum):
    """How much of the verdict a site lets act."""

    HOLD_DOUBTFUL = "hold-doubtful"
    HOLD_ALL = "hold-all"
    SHADOW = "shadow"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Per label, the score from which a comment is flagged, and from which it is rejected."""

    flag: Mapping[str, float]
    reject: Mapping[str, float]

    def check(self) -> None:
        """Raise InvalidInput if a label is rejected at a lower score than the one that holds it."""
        for label in self.crossed():
            raise InvalidInput(
                f"{label} would be rejected from {self.reject[label]:.4g} and held only from "
                f"{self.flag[label]:.4g}; the score that holds is the lower one",
                field=f"flag_at.{label}",
            )

    def crossed(self) -> list[str]:
        """Return the labels that would be rejected at a lower score than the one that holds them."""
        return [label for label, bar in self.flag.items() if bar > self.reject.get(label, NEVER)]

    def over(self, bars: Mapping[str, float], scores: Scores) -> list[str]:
        """Return the labels whose score reaches its bar, the furthest over it first."""
        known = scores.labels
        reached = [label for label, bar in bars.items() if known.get(label, 0.0) >= bar]
        return sorted(reached, key=lambda label: bars[label] - scores[label])


_BARS = Numbers(
    tuple(Label), 0, NEVER, fault=f"a score is between 0 and 1, and {NEVER} means never"
)


@dataclass(frozen=True, slots=True)
class Policy:
    """A site's own rules. Thresholds that it does not set are the artifact's."""

    mode: Mode = setting(
        Choice(
            {
                Mode.HOLD_DOUBTFUL: said(
                    "Hold what is doubtful: the verdict acts, and moderators see the rest."
                ),
                Mode.HOLD_ALL: said(
                    "Hold everything: nothing is published before a moderator approved it."
                ),
                Mode.SHADOW: said(
                    "Shadow: approve everything, and record what would have happened."
                ),
            }
        ),
        Mode.HOLD_DOUBTFUL,
        said("Mode"),
    )
    flag_at: Mapping[str, float] = setting(
        _BARS, dict, said("Hold from"), said("Score per label from which a comment is held.")
    )
    reject_at: Mapping[str, float] = setting(
        _BARS, dict, said("Reject from"), said("Score per label from which a comment is rejected.")
    )
    hold_first_comment: bool = setting(
        Flag(),
        False,  # noqa: FBT003 - the default
        said("Hold an author’s first comment"),
        section=Section.HOLD,
    )
    hold_unknown_language: bool = setting(
        Flag(),
        False,  # noqa: FBT003 - the default
        said("Hold languages that the model does not know"),
        section=Section.HOLD,
    )
    hold_links_over: int | None = setting(
        Whole(0, 1000, optional=True),
        None,
        said("Hold comments with more links than"),
        said("Empty: any number of links passes."),
        section=Section.HOLD,
    )
    hold_near_duplicates: int | None = setting(
        Whole(1, 1000, optional=True),
        None,
        said("Hold from this number of near-duplicates by other authors"),
        said("Empty: repeated texts pass."),
        section=Section.HOLD,
    )
    blocked_words: tuple[str, ...] = setting(
        Lines(MAX_ENTRIES, readable=WordList, affordable=check_words, rows=7),
        (),
        said("Blocked words"),
        said(
            "Whole words and phrases; a star stands for the rest of a word: casino*, *casino*; RE2 "
            "patterns between slashes: /v[i1]agra/. Case, markup and what nobody sees make no "
            "difference. Looked for in the text and in the author’s name, website and e-mail."
        ),
        section=Section.LISTS,
    )
    blocked_domains: tuple[str, ...] = setting(
        Lines(MAX_ENTRIES, readable=DomainList, rows=7),
        (),
        said("Blocked domains"),
        said("With all that lies under them: example.com also means www.example.com."),
        section=Section.LISTS,
    )
    allowed_words: tuple[str, ...] = setting(
        Lines(MAX_ENTRIES, readable=WordList, affordable=check_words),
        (),
        said("Allowed words"),
        said("What is no blocked word: with Essex here, *sex* does not hold it."),
        section=Section.LISTS,
    )
    allowed_domains: tuple[str, ...] = setting(
        Lines(MAX_ENTRIES, readable=DomainList),
        (),
        said("Allowed domains"),
        said("With all that lies under them, although a blocked domain would mean them."),
        section=Section.LISTS,
    )
    language: str = setting(
        Line(35),
        "",
        said("Language of the site"),
        said(
            "As in tr or de-AT; it matters for Turkish and its kin, whose small I has no dot. A "
            "language that the blog sends comes first."
        ),
        section=Section.AUTHORS,
    )
    staff_roles: tuple[str, ...] = setting(
        Lines(50),
        ("administrator", "editor", "admin", "moderator", "staff", "author"),
        said("Staff roles"),
        said(
            "Authors whom the blog sends with one of these roles pass unread. The blog vouches for "
            "them."
        ),
        section=Section.AUTHORS,
    )
    learning: LearningMode = setting(
        Choice(
            {
                LearningMode.ON: said(
                    "Learn: what does better on your decisions judges by itself."
                ),
                LearningMode.SUGGEST: said(
                    "Suggest: learn and show what would change, and change nothing."
                ),
                LearningMode.OFF: said("Off: the shared model judges alone."),
            }
        ),
        LearningMode.ON,
        said("Learning from decisions"),
        section=Section.LEARNING,
    )
    spot_checks: int = setting(
        Whole(0, MOST_SPOT_CHECKS),
        10,
        said("Spot checks per 1,000 settled comments"),
        said(
            "Chance picks them of what the machine settles by itself; a copy waits in the queue and "
            "the comment stays where it is. They tell how often the machine is wrong. 0: none."
        ),
        section=Section.LEARNING,
    )

    def to_dict(self) -> dict[str, Any]:
        """Return the policy as JSON shows it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Rebuild what :meth:`to_dict` gave; names that are no settings are left out."""
        return cls(**load_settings(cls, stored))

    def check(self) -> None:
        """Raise InvalidInput that names the first setting that cannot be."""
        check_settings(self)
        Thresholds(self.flag_at, self.reject_at).check()

    def thresholds(self, defaults: Thresholds) -> Thresholds:
        """Return *defaults* with this site's own numbers in their place."""
        return Thresholds(
            flag={**defaults.flag, **self.flag_at}, reject={**defaults.reject, **self.reject_at}
        )


@dataclass(frozen=True, slots=True)
class Case:
    """All that a rule may look at; fetched beforehand, so that deciding needs no I/O."""

    draft: Draft
    scores: Scores | None
    policy: Policy
    thresholds: Thresholds
    facts: Facts = NOTHING


Rule = Callable[[Case], Verdict | None]


def _flag(code: str, *, label: str = "", **values: Value) -> Verdict:
    return Verdict(Action.FLAG, (Reason(code, values),), label)


def wrote_as_staff(case: Case) -> Verdict | None:
    """Staff of the blog pass; the blog itself vouches for the role."""
    roles = {role.strip().lower() for role in case.draft.author.role.split(",")}
    if roles & set(case.policy.staff_roles):
        return Verdict(Action.ALLOW, (Reason("staff"),))
    return None


def blocked_author(case: Case) -> Verdict | None:
    """An author, address or domain that a moderator blocked: a person decided, so it may reject."""
    if case.facts.treatment is Treatment.BLOCK:
        return Verdict(Action.REJECT, (Reason("author_blocked"),))
    return None


def held_author(case: Case) -> Verdict | None:
    """An author, address or domain of which a moderator wants to see everything."""
    return _flag("author_held") if case.facts.treatment is Treatment.HOLD else None


def trusted_author(case: Case) -> Verdict | None:
    """An author whom a moderator trusts passes unless the model is sure; not where all is held."""
    if case.facts.treatment is Treatment.TRUST and case.policy.mode is not Mode.HOLD_ALL:
        return Verdict(Action.ALLOW, (Reason("author_trusted"),))
    return None


def unscored(case: Case) -> Verdict | None:
    """Without scores nobody knows: a human looks."""
    if case.scores is None:
        return _flag("unscored")
    return None


def empty(case: Case) -> Verdict | None:
    """Nothing readable is left of the text."""
    if case.scores is not None and case.scores.empty:
        return _flag("empty")
    return None


def surely_bad(case: Case) -> Verdict | None:
    """A score over its reject threshold; one of abuse only if a second way of reading sees abuse.

    A reader who was mistaken for an abuser would never be heard. Where the ways of reading
    disagree a person looks.
    """
    if case.scores is None or case.scores.seconded:
        return _by_score(case, case.thresholds.reject, Action.REJECT)
    spam = {label: bar for label, bar in case.thresholds.reject.items() if label == Label.SPAM}
    return _by_score(case, spam, Action.REJECT)


def blocked(case: Case) -> Verdict | None:
    """A word or domain of the site's own lists: held, never rejected on a list alone.

    So is everything where a list cannot be used, such as one from before its cost was bounded.
    """
    try:
        return _listed(case)
    except InvalidInput:
        return _flag("unscored")


def _listed(case: Case) -> Verdict | None:
    policy, draft = case.policy, case.draft
    fields = (draft.content, draft.author.name, draft.author.url, draft.author.email)
    if policy.blocked_domains:
        domains = domain_list(policy.blocked_domains).all_in(
            domains_in(*fields), unless=domain_list(policy.allowed_domains)
        )
        if domains:
            return _flag("blocked_domain", domain=domains[0].entry, label=Label.SPAM)
    if policy.blocked_words:
        language = _language(case)
        word = word_list(policy.blocked_words, language).first_in(
            *fields, unless=word_list(policy.allowed_words, language)
        )
        writer = people(policy.blocked_words).first(email=draft.author.email, ip=draft.author.ip)
        if word or writer:
            return _flag("blocked_word", word=word or writer or "")
    return None


def _language(case: Case) -> str:
    """Return "tr" if the comment's I is to be read as Turkish does, else nothing."""
    named = case.draft.post.language or case.policy.language
    seen = case.scores.language if case.scores else ""
    return "tr" if is_turkic(named) and (not seen or seen == "und" or is_turkic(seen)) else ""


def disputed(case: Case) -> Verdict | None:
    """A score of abuse over its reject threshold that no second way of reading bears out."""
    if case.scores is None or case.scores.seconded:
        return None
    opinion = _by_score(case, case.thresholds.reject, Action.FLAG)
    if opinion is None:
        return None
    return replace(opinion, reasons=(*opinion.reasons, Reason("disputed")))


def perhaps_bad(case: Case) -> Verdict | None:
    """A score over its flag threshold."""
    return _by_score(case, case.thresholds.flag, Action.FLAG)


def partly_read(case: Case) -> Verdict | None:
    """A text that is too long for the model to read whole, or that a door may have cut: what it hides, a person sees."""
    content = case.draft.content
    may_be_cut = len(content.encode("utf-8", "replace")) > _MAY_BE_CUT_BYTES
    return _flag("partly_read") if may_be_cut or not is_read_whole(content) else None


def repeated(case: Case) -> Verdict | None:
    """Nearly the same text as other authors sent recently."""
    bar = case.policy.hold_near_duplicates
    near = case.facts.near.count
    if bar is not None and near >= bar:
        return _flag("near_duplicate", number=near, label=Label.SPAM)
    return None


def many_links(case: Case) -> Verdict | None:
    """More links than the site takes without looking."""
    bar = case.policy.hold_links_over
    if bar is not None and (count := len(links_in(case.draft.content))) > bar:
        return _flag("links", number=count, bar=bar)
    return None


def unknown_language(case: Case) -> Verdict | None:
    """A language that the model was not measured on."""
    if case.policy.hold_unknown_language and case.scores and not case.scores.known_language:
        return _flag("unknown_language")
    return None


def first_comment(case: Case) -> Verdict | None:
    """The author has no approved comment on this site yet."""
    if case.policy.hold_first_comment and case.facts.first_comment:
        return _flag("first_comment")
    return None


def hold_all(case: Case) -> Verdict | None:
    """A site that wants to see everything."""
    if case.policy.mode is Mode.HOLD_ALL:
        return _flag("hold_all")
    return None


#: Asked in this order; the first rule with an opinion decides.
RULES: tuple[Rule, ...] = (
    # Who may pass before anything is read.
    wrote_as_staff,
    blocked_author,
    # What no score can decide.
    unscored,
    empty,
    # What the scores say, the surest first; the site's lists may hold but not reject.
    surely_bad,
    blocked,
    disputed,
    held_author,
    trusted_author,
    perhaps_bad,
    # What nobody has read.
    partly_read,
    # What the site wants to see although no score objects.
    repeated,
    many_links,
    unknown_language,
    first_comment,
    hold_all,
)


_NOTHING = Verdict(Action.ALLOW, (Reason("clean"),))


def verdict_on(case: Case) -> Verdict:
    """Return the verdict of the first rule that has one; otherwise allow.

    Where the site's own head moved it, the decided comments that this one is like are named, too.
    """
    verdict, scores = _ruled(case), case.scores
    if scores is None or scores.unmoved is None or not scores.precedents:
        return verdict
    unmoved = replace(case, scores=replace(scores, labels=scores.unmoved))
    if _ruled(unmoved).action is verdict.action:
        return verdict
    return replace(verdict, reasons=(*verdict.reasons, *_like(scores.precedents)))


def _like(precedents: Iterable[tuple[str, str]]) -> Iterator[Reason]:
    by_decision: dict[str, list[str]] = {}
    for comment_id, decision in precedents:
        by_decision.setdefault(decision, []).append(comment_id)
    for decision, ids in by_decision.items():
        yield Reason(f"like_{decision}", {"number": len(ids), "ids": " ".join(ids)})


def _ruled(case: Case) -> Verdict:
    for rule in RULES:
        opinion = rule(case)
        if opinion is not None:
            return opinion
    return _NOTHING


def outcome(policy: Policy, verdict: Verdict) -> Status:
    """Return the status that *verdict* leads to under the site's mode."""
    if policy.mode is Mode.SHADOW or verdict.action is Action.ALLOW:
        return Status.APPROVED
    if verdict.action is Action.FLAG:
        return Status.FLAGGED
    return Status.SPAM if verdict.label == Label.SPAM else Status.REJECTED


def priority(scores: Scores | None) -> float:
    """Return how soon a moderator should see a flagged comment: higher is sooner.

    What nobody could score comes first; then the mean of the worst score (risk) and of its
    nearness to a coin toss (uncertainty), since a glance settles a sure case at any time.
    """
    if scores is None:
        return 1.0
    worst = max(scores.labels.values(), default=0.0)
    return round((worst + 1 - abs(2 * worst - 1)) / 2, 4)


def _by_score(case: Case, bars: Mapping[str, float], action: Action) -> Verdict | None:
    if case.scores is None:
        return None
    labels = case.thresholds.over(bars, case.scores)
    if not labels:
        return None
    reasons = tuple(
        Reason(label, {"score": round(float(case.scores[label]), 4), "bar": float(bars[label])})
        for label in labels
    )
    return Verdict(action, reasons, labels[0])
