"""Winnow: the verbs of the product, bound once to what they need. Edges call these."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from moderation.actor import Actor
from moderation.agreement import Colleague
from moderation.audit import AuditLine
from moderation.campaign import REACHED, CleanUp, Preview, Trait
from moderation.channels import Channel, Sender
from moderation.comment import Comment, Decision, Draft, Status
from moderation.dispatch import CLEAN_UP, ERASE, Jobs
from moderation.endpoint import Endpoint
from moderation.errors import StorageUnavailable
from moderation.facts import Facts
from moderation.feedback import Feedback, FitReport, LearningMode, Progress
from moderation.houses import Houses
from moderation.moderators import Moderator, Role
from moderation.ports import Clock, Duplicates, Learner, Model
from moderation.records import Accepted, Judged, Past
from moderation.remarks import Remark
from moderation.reminders import Subscription
from moderation.rows import each
from moderation.scores import Scores
from moderation.settings import Settings
from moderation.site import Site
from moderation.store.accounts import Accounts
from moderation.store.accounts.links import OneTimeLink, OneTimeLinks, Outbox, Purpose
from moderation.store.comments import Comments
from moderation.store.metrics import Metrics
from moderation.store.search import TALLIED
from moderation.treatment import Dossier, Erasure, PersonRecord, Subject, Treatment
from moderation.workflow import (
    administration,
    by_mail,
    campaigns,
    intake,
    judging,
    learning,
    links,
    people,
    remarks,
    retention,
    review,
    screening,
    second_factor,
)


@dataclass(frozen=True, kw_only=True)
class Winnow:
    """The verbs of one installation. They wake workers by themselves.

    ``current`` returns the newest model; it and ``duplicates`` are None in a process that loaded
    none, where the verbs that judge raise StorageUnavailable.
    """

    settings: Settings
    comments: Comments
    accounts: Accounts
    links: OneTimeLinks
    outbox: Outbox
    metrics: Metrics
    jobs: Jobs
    clock: Clock
    current: Callable[[], Model] | None = None
    duplicates: Duplicates | None = None
    #: Makes what learns with a model; None in a process that knows the shared model alone.
    learning: Callable[[Model], Learner] | None = None
    houses: Houses | None = None
    #: Picks spot checks: numbers of 0 to 1.
    chance: Callable[[], float] = random.random

    @property
    def model(self) -> Model | None:
        """The newest model, None where none was loaded. Ask once for what belongs together."""
        return self.current() if self.current else None

    # -- intake

    def submit(self, drafts: Sequence[Draft], *, site: Site) -> list[Accepted]:
        """Accept *drafts*, whole or not at all; see :func:`intake.submit`."""
        return intake.submit(
            drafts,
            site=site,
            comments=self.comments,
            jobs=self.jobs,
            clock=self.clock,
            backlog=self.settings.backlog,
        )

    def judge(self, drafts: Sequence[Draft], *, site: Site) -> list[Judged]:
        """Judge *drafts* by their sites' policies and the same facts as the queue; nothing is stored."""
        return self.judge_many([(draft, site) for draft in drafts])

    def judge_many(self, drafts: Sequence[tuple[Draft, Site]]) -> list[Judged]:
        """Judge each draft by its site's policy; all are scored together."""
        subjects = [judging.Candidate(draft, site.id, site.policy) for draft, site in drafts]
        facts = judging.gather(
            subjects,
            comments=self.comments,
            duplicates=self._comparer(),
            clock=self.clock,
            heads=self.heads,
        )
        cases = [(one.draft, known, one.policy) for one, known in zip(subjects, facts, strict=True)]
        return judging.judge_all(cases, model=self._reader())

    def score(self, drafts: Sequence[Draft], *, site: Site) -> list[Scores]:
        """Return the scores of *drafts* for *site* by themselves, without any facts about them.

        Its own head is asked unless storage is away.
        """
        try:
            house = self.house_of(site)
        except StorageUnavailable:
            house = None
        facts = [Facts(house=house)] * len(drafts)
        policies = [site.policy] * len(drafts)
        return judging.score(drafts, facts, policies, model=self._reader())

    def record(
        self,
        draft: Draft,
        judged: Judged,
        *,
        site: Site,
        via: str,
        announce: bool = True,
        repeat_ms: int | None = None,
        decided: bool = False,
    ) -> Accepted:
        """Store a draft that a door has judged; see :meth:`record_many`."""
        (kept,) = self.record_many(
            [(draft, judged)],
            site=site,
            via=via,
            announce=announce,
            repeat_ms=repeat_ms,
            decided=decided,
        )
        return kept

    def record_many(
        self,
        cases: Sequence[tuple[Draft, Judged]],
        *,
        site: Site,
        via: str,
        announce: bool = True,
        repeat_ms: int | None = None,
        decided: bool = False,
    ) -> list[Accepted]:
        """Store drafts of a site that a door has judged; see :func:`intake.record`.

        Those that are *decided* next, since somebody reported them, are never spot checks.
        """
        return intake.record(
            cases,
            site=site,
            via=via,
            announce=announce,
            repeat_ms=repeat_ms,
            comments=self.comments,
            clock=self.clock,
            chance=None if decided else self.chance,
        )

    def remember(self, history: Sequence[Past], *, site: Site) -> list[Accepted]:
        """Keep comments from before Winnow as their blog left them; see :func:`intake.remember`."""
        return intake.remember(
            history,
            site=site,
            comments=self.comments,
            model=self._reader(),
            clock=self.clock,
            house=self.house_of(site),
        )

    def recognise(self, history: Sequence[Past], *, site: Site) -> list[Accepted | None]:
        """Return which of *history* the site has already; see :func:`intake.recognise`."""
        return intake.recognise(history, site=site, comments=self.comments)

    def edit(self, comment_id: str, draft: Draft, *, by: Actor) -> Comment:
        """Make *draft* the next revision of a comment and have it screened again."""
        return intake.edit(
            comment_id, draft, by=by, comments=self.comments, jobs=self.jobs, clock=self.clock
        )

    def erase(self, comment_id: str, *, by: Actor) -> None:
        """Forget a comment's words and author, leaving a tombstone."""
        intake.erase(comment_id, by=by, comments=self.comments, clock=self.clock)

    # -- screening and retention

    def screen(
        self,
        shard: int,
        *,
        holder: str,
        limits: screening.Limits,
        stopping: Callable[[], bool] = lambda: False,
    ) -> int:
        """Judge pending comments of *shard*; see :func:`screening.screen`."""
        return screening.screen(
            shard,
            holder=holder,
            comments=self.comments,
            accounts=self.accounts,
            model=self._reader(),
            duplicates=self._comparer(),
            jobs=self.jobs,
            clock=self.clock,
            meter=self.metrics,
            limits=limits,
            heads=self.heads,
            chance=self.chance,
            stopping=stopping,
        )

    def purge(self) -> int:
        """Delete texts and verdicts whose retention is over, on every site; return how many changed."""
        return retention.purge(accounts=self.accounts, comments=self.comments, clock=self.clock)

    # -- review

    def review(
        self,
        comment_id: str,
        decision: Decision,
        *,
        by: Actor,
        version: int | None = None,
        reason: str = "",
        note: str = "",
        hold_seconds: float | None = None,
    ) -> Comment:
        """Write a moderator's decision; see :func:`review.review`.

        It may be undone for *hold_seconds*, by default as long as the settings say.
        """
        return review.review(
            comment_id,
            decision,
            by=by,
            version=version,
            reason=reason,
            note=note,
            comments=self.comments,
            clock=self.clock,
            hold_seconds=self.settings.undo_seconds if hold_seconds is None else hold_seconds,
        )

    def mail_lines(
        self, person: Moderator, address: str, *, since_ms: int, sites: Sequence[str] = ()
    ) -> str:
        """Return the part of an e-mail with links that decide; see :func:`by_mail.lines`."""
        return by_mail.lines(
            person,
            address,
            since_ms=since_ms,
            sites=sites,
            days=self.settings.mail_link_days,
            url=self.settings.url,
            language=self.settings.language,
            accounts=self.accounts,
            comments=self.comments,
            clock=self.clock,
        )

    def opened_by_mail(self, token: str) -> tuple[Moderator, Comment]:
        """Return whose link this is, and the comment; raise NotFound when it is good no more."""
        return by_mail.opened(
            token, accounts=self.accounts, comments=self.comments, clock=self.clock
        )

    def waits(self, comment: Comment) -> bool:
        """Tell whether a comment waits for a decision."""
        return by_mail.waits(comment)

    def decide_by_mail(self, token: str, decision: Decision, *, version: int) -> Comment:
        """Write the decision of whose link this is; see :func:`by_mail.decide`."""
        return by_mail.decide(
            token,
            decision,
            version=version,
            accounts=self.accounts,
            comments=self.comments,
            clock=self.clock,
            hold_seconds=self.settings.undo_seconds,
        )

    def undo(self, comment_id: str, *, by: Actor) -> Comment:
        """Take back the last decision within its window, before anyone heard of it."""
        return review.undo(
            comment_id, by=by, comments=self.comments, jobs=self.jobs, clock=self.clock
        )

    def retry(self, comment_id: str, *, by: Actor) -> Comment:
        """Have a held comment screened again, such as one that could not be scored."""
        return review.retry(
            comment_id, by=by, comments=self.comments, jobs=self.jobs, clock=self.clock
        )

    def revise(self, comment_id: str, content: str, *, revision: int, by: Actor) -> Comment:
        """Put a moderator's text in the place of a comment's; see :func:`review.revise`."""
        return review.revise(
            comment_id,
            content,
            revision=revision,
            by=by,
            comments=self.comments,
            accounts=self.accounts,
            clock=self.clock,
        )

    def note(self, comment_id: str, text: str, *, by: Actor) -> Remark:
        """Put a note beside a comment, for moderators alone; see :func:`remarks.note`."""
        return remarks.note(comment_id, text, by=by, comments=self.comments, clock=self.clock)

    def reply(self, comment_id: str, text: str, *, by: Actor) -> Remark:
        """Have the blog publish a reply under a comment; see :func:`remarks.reply`."""
        return remarks.reply(
            comment_id,
            text,
            by=by,
            comments=self.comments,
            accounts=self.accounts,
            clock=self.clock,
        )

    def approve_and_reply(self, comment_id: str, text: str, *, version: int, by: Actor) -> Remark:
        """Approve what still waits and have the blog publish a reply; see :func:`remarks.approve_and_reply`."""
        return remarks.approve_and_reply(
            comment_id,
            text,
            version=version,
            by=by,
            comments=self.comments,
            accounts=self.accounts,
            clock=self.clock,
            hold_seconds=self.settings.undo_seconds,
        )

    # -- people

    def treat(
        self,
        site_id: str,
        subject: Subject,
        treatment: Treatment | None,
        *,
        by: Actor,
        note: str = "",
        days: int | None = None,
        keep_end: bool = False,
    ) -> PersonRecord:
        """Have a site treat an author, an address or a domain so; see :func:`people.treat`."""
        return people.treat(
            site_id,
            subject,
            treatment,
            note=note,
            days=days,
            keep_end=keep_end,
            by=by,
            comments=self.comments,
            accounts=self.accounts,
            clock=self.clock,
        )

    def look_up(
        self, site_ids: Sequence[str], subject: Subject, *, most: int = TALLIED
    ) -> list[Dossier]:
        """Return what each site keeps of somebody; see :func:`people.look_up`."""
        return people.look_up(
            site_ids, subject, most=most, comments=self.comments, clock=self.clock
        )

    def export_person(self, site_ids: Sequence[str], subject: Subject) -> Iterator[Comment]:
        """Yield every comment of somebody, whole; see :func:`people.export`."""
        return people.export(site_ids, subject, comments=self.comments, clock=self.clock)

    def export_author(
        self,
        site_id: str,
        *,
        email: str = "",
        ip: str = "",
        user_id: str = "",
        limit: int,
        before: str | None = None,
    ) -> tuple[list[Comment], str | None]:
        """Return up to *limit* comments of an author, the latest first; see :func:`people.export_author`."""
        return people.export_author(
            site_id, email=email, ip=ip, user_id=user_id, limit=limit, before=before,
            comments=self.comments, clock=self.clock,
        )  # fmt: skip

    def erase_person(
        self, site_ids: Sequence[str], subject: Subject, *, by: Actor, seconds: float = 2.0
    ) -> Erasure:
        """Erase all that is kept of a person; see :func:`people.begin_erasure`.

        A worker erases what is left after *seconds*; the erasure says whether it goes on.
        """
        one = people.begin_erasure(
            site_ids,
            subject,
            by=by,
            comments=self.comments,
            accounts=self.accounts,
            clock=self.clock,
        )
        end = time.monotonic() + seconds
        before = None
        while one.goes_on and one != before and time.monotonic() < end:
            before, one = one, self.step_erasure(one.id)
        if one.goes_on:
            self.jobs.enqueue(ERASE)
        return one

    def step_erasure(self, erasure_id: str) -> Erasure:
        """Erase the next two hundred comments of an erasure; see :func:`people.step_erasure`."""
        return people.step_erasure(
            erasure_id, comments=self.comments, accounts=self.accounts, clock=self.clock
        )

    def erase_rest(self, *, stopping: Callable[[], bool] = lambda: False) -> int:
        """Do what erasures have left to do; return how many there were."""
        rest = self.accounts.unerased()
        return _finish(rest, self.step_erasure, stopping=stopping, job="erase_rest")

    # -- campaigns

    def preview_clean_up(self, site_id: str, trait: Trait, comment: Comment | None) -> Preview:
        """Return how many comments share a trait, by status, and some; :func:`campaigns.preview`."""
        return campaigns.preview(site_id, trait, comment, comments=self.comments, clock=self.clock)

    def count_clean_up(
        self,
        site_id: str,
        trait: Trait,
        comment: Comment | None,
        *,
        counts: Mapping[Status, int],
        cursor: str,
    ) -> Preview:
        """Return a preview that counted some more; see :func:`campaigns.count_on`."""
        return campaigns.count_on(
            site_id, trait, comment, counts=counts, cursor=cursor,
            comments=self.comments, clock=self.clock,
        )  # fmt: skip

    def clean_up(
        self,
        site_id: str,
        trait: Trait,
        comment_id: str,
        decision: Decision,
        *,
        statuses: Sequence[Status] = REACHED,
        by: Actor,
    ) -> CleanUp:
        """Decide on all that shares a trait: the first hundred at once, the rest by a worker."""
        begun = campaigns.clean_up(
            site_id,
            trait,
            comment_id,
            decision,
            statuses=statuses,
            by=by,
            comments=self.comments,
            accounts=self.accounts,
            clock=self.clock,
        )
        return self._first_step(begun.id)

    def undo_clean_up(self, clean_up_id: str) -> CleanUp:
        """Take a clean-up back: the first hundred at once, the rest by a worker."""
        campaigns.begin_undo(clean_up_id, comments=self.comments)
        return self._first_step(clean_up_id)

    def step_clean_up(self, clean_up_id: str) -> CleanUp:
        """Do the next hundred of a clean-up; see :func:`campaigns.step`."""
        return campaigns.step(
            clean_up_id,
            comments=self.comments,
            jobs=self.jobs,
            clock=self.clock,
            hold_seconds=self.settings.bulk_undo_seconds,
        )

    def clean_up_rest(self, *, stopping: Callable[[], bool] = lambda: False) -> int:
        """Do what clean-ups have left to do; return how many there were."""
        rest = self.comments.uncleaned()
        return _finish(rest, self.step_clean_up, stopping=stopping, job="clean_up_rest")

    def _first_step(self, clean_up_id: str) -> CleanUp:
        one = self.step_clean_up(clean_up_id)
        if one.goes_on:
            self.jobs.enqueue(CLEAN_UP)
        return one

    # -- administration

    def add_endpoint(self, endpoint: Endpoint, *, by: Actor, admin: bool) -> Endpoint:
        """Have a site's events sent to a new endpoint; it comes back with its id and its secret."""
        return administration.add_endpoint(
            endpoint, by=by, admin=admin, accounts=self.accounts, clock=self.clock
        )

    def change_endpoint(
        self, endpoint: Endpoint, *, was: Endpoint, by: Actor, admin: bool
    ) -> Endpoint:
        """Change an endpoint from what it *was*; see :func:`administration.change_endpoint`."""
        return administration.change_endpoint(
            endpoint, was=was, by=by, admin=admin, accounts=self.accounts, clock=self.clock
        )

    def rotate_secret(self, endpoint_id: str, *, by: Actor) -> str:
        """Give an endpoint a new secret and return it; the old one signs beside it for 24 hours."""
        return administration.rotate_secret(
            endpoint_id, by=by, accounts=self.accounts, clock=self.clock
        )

    def add_moderator(
        self, name: str, *, role: Role, sites: Sequence[str], by: Actor, email: str = ""
    ) -> tuple[Moderator, str]:
        """Make a moderator, with a password to be shown once and changed at the first sign-in."""
        return administration.add_moderator(
            name,
            role=role,
            sites=sites,
            email=email,
            by=by,
            accounts=self.accounts,
            clock=self.clock,
        )

    def reset_password(self, name: str, *, by: Actor) -> str:
        """Give a moderator a password to be shown once and changed; their sessions end."""
        return administration.reset_password(name, by=by, accounts=self.accounts, clock=self.clock)

    def revert(self, line_id: str, *, by: Actor) -> AuditLine:
        """Take back a change of settings by a new change; see :func:`administration.revert`."""
        return administration.revert(line_id, by=by, accounts=self.accounts, clock=self.clock)

    # -- links

    def make_link(self, purpose: Purpose, name: str, *, says: str = "") -> str:
        """Return the token of a link for a moderator; it ends with their sessions."""
        return links.make_link(purpose, name, says=says, accounts=self.accounts, links=self.links)

    def follow_link(self, purpose: Purpose, token: str) -> tuple[Moderator, OneTimeLink]:
        """Return whose link this is, and the link, without using it up; raise NotFound."""
        return links.follow_link(purpose, token, accounts=self.accounts, links=self.links)

    def choose_password(self, purpose: Purpose, token: str, password: str) -> Moderator:
        """Set the password that somebody chose by a link; every session of theirs ends."""
        return links.choose_password(
            purpose,
            token,
            password,
            accounts=self.accounts,
            links=self.links,
            outbox=self.outbox,
            jobs=self.jobs,
            clock=self.clock,
        )

    def ask_reset(self, who: str) -> None:
        """Send a link for a new password to the moderator of that name or address, if there is one."""
        links.ask_reset(who, outbox=self.outbox, jobs=self.jobs, clock=self.clock)

    def ask_address(self, name: str, address: str) -> None:
        """Have a link sent to *address* by which it becomes the moderator's."""
        links.ask_address(name, address, outbox=self.outbox, jobs=self.jobs, clock=self.clock)

    def confirm_address(self, token: str) -> Moderator:
        """Make the address of a link its owner's, and tell the one before."""
        return links.confirm_address(
            token,
            accounts=self.accounts,
            links=self.links,
            outbox=self.outbox,
            jobs=self.jobs,
            clock=self.clock,
        )

    def set_address(self, name: str, address: str, *, by: Actor) -> None:
        """Give a moderator an e-mail address, "" for none, and tell the one before."""
        links.set_address(
            name,
            address,
            by=by,
            accounts=self.accounts,
            outbox=self.outbox,
            jobs=self.jobs,
            clock=self.clock,
        )

    def invite(self, name: str) -> None:
        """Have an invitation sent to a moderator's address."""
        links.invite(name, outbox=self.outbox, jobs=self.jobs, clock=self.clock)

    def tell_off(self, person: Moderator, wish: Subscription) -> None:
        """Have a moderator be written to, where there is a mail server, that a channel was switched off."""
        if Channel.MAIL.can_send(self.settings):
            links.tell_off(person, wish, outbox=self.outbox, jobs=self.jobs, clock=self.clock)

    def write_letters(self, sender: Sender) -> int:
        """Send the letters that wait in the outbox; return how many were sent."""
        return links.write_letters(
            accounts=self.accounts,
            links=self.links,
            outbox=self.outbox,
            sender=sender,
            clock=self.clock,
            url=self.settings.url,
            language=self.settings.language,
        )

    def add_app(self, name: str, secret: str, code: str, *, by: Actor) -> list[str]:
        """Have codes of an app asked for from now on; return recovery codes, to be shown once."""
        return second_factor.add_app(
            name, secret, code, by=by, accounts=self.accounts, clock=self.clock
        )

    def renew_codes(self, name: str, *, by: Actor) -> list[str]:
        """Return new recovery codes, which end the ones before."""
        return second_factor.renew_codes(name, by=by, accounts=self.accounts, clock=self.clock)

    def check_code(self, name: str, code: str, *, by: Actor) -> None:
        """Use up a code of the app or a recovery code; raise NotFound for a wrong or used one."""
        second_factor.check_code(name, code, by=by, accounts=self.accounts, clock=self.clock)

    def take_off_factor(self, name: str, *, by: Actor) -> bool:
        """Let a password be enough again; tell whether it was not."""
        return second_factor.take_off(name, by=by, accounts=self.accounts, clock=self.clock)

    # -- learning

    def heads(self, site_ids: Iterable[str]) -> Mapping[str, object]:
        """Return the heads that judge for those sites that have one; at most a second old."""
        model = self.model
        if self.learning is None or self.houses is None or model is None:
            return {}
        return self.houses.of(site_ids, learner=self.learning(model))

    def house_of(self, site: Site) -> object | None:
        """Return the head that judges for *site*, None where the shared model judges alone."""
        if site.policy.learning is not LearningMode.ON:
            return None
        return self.heads([site.id]).get(site.id)

    def learn(
        self, site_id: str, *, stopping: Callable[[], bool] = lambda: False
    ) -> FitReport | None:
        """Learn from a site's new decisions; see :func:`learning.learn`."""
        model = self._reader()
        return learning.learn(
            site_id,
            accounts=self.accounts,
            comments=self.comments,
            model=model,
            learner=self._learner(model),
            clock=self.clock,
            meter=self.metrics,
            stopping=stopping,
        )

    def learn_anew(self, site_id: str) -> bool:
        """Have a site learn soon if its feedback was read by another model; tell whether it was."""
        reader, progress = self._learner(self._reader()).reader, self.comments.progress(site_id)
        if not progress.feedback or progress.due or progress.reader in {"", reader}:
            return False
        self.comments.relearn(site_id, now_ms=self.clock.now_ms())
        return True

    def precedents(self, comment: Comment) -> list[Feedback]:
        """Return the decisions on comments most like *comment*; see :func:`learning.precedents`."""
        learner = self._learner(self._reader())
        return learning.precedents(comment, comments=self.comments, learner=learner)

    def colleagues(self, site_id: str) -> tuple[Colleague, ...]:
        """Return who decided on a site, and whether they agree; see :func:`learning.compared`."""
        learner = self._learner(self._reader())
        return learning.compared(site_id, comments=self.comments, learner=learner)

    def roll_back(self, site_id: str, number: int | None = None, *, by: Actor) -> Progress:
        """Let an earlier version of a site's head judge; see :func:`learning.roll_back`."""
        return learning.roll_back(
            site_id, number, by=by, accounts=self.accounts, comments=self.comments, clock=self.clock
        )

    def resume_learning(self, site_id: str, *, by: Actor) -> Progress:
        """Let later heads judge again after a roll-back."""
        return learning.resume(
            site_id, by=by, accounts=self.accounts, comments=self.comments, clock=self.clock
        )

    def leave_out(self, site_id: str, person: str, *, out: bool = True, by: Actor) -> Progress:
        """Leave a person's decisions out of learning; see :func:`learning.leave_out`."""
        return learning.leave_out(
            site_id,
            person,
            out=out,
            by=by,
            accounts=self.accounts,
            comments=self.comments,
            clock=self.clock,
        )

    def _learner(self, model: Model) -> Learner:
        if self.learning is None:
            raise StorageUnavailable("the learner is away")
        return self.learning(model)

    def _reader(self) -> Model:
        if self.current is None:
            raise StorageUnavailable("the scorer is away")
        return self.current()

    def _comparer(self) -> Duplicates:
        if self.duplicates is None:
            raise StorageUnavailable("the scorer is away")
        return self.duplicates


def _finish(
    ids: Iterable[str],
    step: Callable[[str], CleanUp | Erasure],
    *,
    stopping: Callable[[], bool],
    job: str,
) -> int:
    """Repeat *step* for each of *ids* until it is done; return how many were served.

    One for which it raises is logged and passed over.
    """

    def finish(one_id: str) -> int:
        before = None
        while not stopping():
            one = step(one_id)
            if not one.goes_on or one == before:  # done, or another process works on it
                break
            before = one
        return 1

    return each({one: one for one in ids}, finish, job=job)
