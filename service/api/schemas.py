"""What the API takes and gives, field by field; the OpenAPI document is made of these."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    FailFast,
    Field,
    create_model,
)

from moderation.actor import ActorKind
from moderation.comment import Decision, Status
from moderation.credentials import KeyKind
from moderation.delivery import DeliveryState
from moderation.endpoint import EndpointKind
from moderation.events import EventType
from moderation.feedback import LearningMode
from moderation.fields import (
    Choice,
    Choices,
    Flag,
    Line,
    Lines,
    Numbers,
    Setting,
    Whole,
    settings_of,
)
from moderation.policy import Policy
from moderation.remarks import LONGEST_REPLY
from moderation.site import Retention, Site
from moderation.verdict import Action
from service.inputs import BlogId, CommentIn, Content, Long, Moment, PastIn, Short, Strict, Text

MAX_BATCH = 1000
#: Comments of history in one request: some seconds of scoring.
MAX_HISTORY = 500
#: Members of one JSON object; no body has an object with half of it.
MAX_MEMBERS = 64


class BatchIn(Strict):
    """Up to 1,000 comments, taken whole or not at all."""

    #: The first comment that cannot be ends the reading: each of a thousand would have its errors.
    comments: Annotated[list[CommentIn], Field(min_length=1, max_length=MAX_BATCH), FailFast()]


class HistoryIn(Strict):
    """Up to 500 comments from before Winnow; each is taken or refused on its own."""

    comments: Annotated[list[PastIn], Field(min_length=1, max_length=MAX_HISTORY)]


class DecisionIn(Strict):
    """A moderator's decision. With *version*, only if the comment has not moved on since."""

    decision: Annotated[Decision, Field(strict=False)]
    version: Annotated[int | None, Field(ge=0, le=2**53)] = None
    reason: Short = ""
    note: Long = ""
    moderator: Annotated[Short, Field(description="Who decided, for the record.")] = ""


class DecisionsIn(Strict):
    """One decision on many comments, undoable together for longer."""

    ids: Annotated[list[Annotated[Text, Field(max_length=64)]], Field(min_length=1, max_length=500)]
    decision: Annotated[Decision, Field(strict=False)]
    reason: Short = ""
    note: Long = ""
    moderator: Short = ""


class RevisionIn(Strict):
    """A moderator's text for a comment, if *revision* is the latest."""

    content: Content
    revision: Annotated[int, Field(ge=1, le=2**53)]
    moderator: Annotated[Short, Field(description="Who changed it, for the record.")] = ""


class RemarkIn(Strict):
    """A note, of at most 2,000 characters, or a reply, of at most 5,000."""

    text: Annotated[Text, Field(min_length=1, max_length=LONGEST_REPLY)]
    moderator: Annotated[
        Short, Field(description="Who wrote it: for the record, and a reply's author.")
    ] = ""


class EraseAuthorIn(Strict):
    """Whose comments to erase: by e-mail, address or the blog's own id of a user."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": [one]} for one in ("email", "ip", "user_id")]}
    )

    email: Annotated[Text, Field(max_length=320)] = ""
    ip: Annotated[Text, Field(max_length=64)] = ""
    user_id: BlogId = ""


class SiteIn(Strict):
    """A new site."""

    name: Annotated[Text, Field(min_length=1, max_length=100)]
    url: Long = ""


def _annotation(setting: Setting, *, may_be_null: bool) -> Any:
    """Return what a body has for a site's setting: its kind, its bounds and its help."""
    match setting.kind:
        case Flag():
            taken: Any = bool
        case Whole(least, most):
            taken = Annotated[int, Field(ge=least, le=most)]
        case Line(longest, required):
            taken = Annotated[Text, Field(min_length=int(required), max_length=longest)]
        case Lines(most, longest):
            entry: Any = Annotated[Text, Field(max_length=longest)]
            taken = Annotated[list[entry], Field(max_length=most)]
        case Choice(labels):
            member: Any = type(next(iter(labels)))
            taken = Annotated[member, Field(strict=False)]
        case Choices(labels):
            member = Annotated[cast(Any, type(next(iter(labels)))), Field(strict=False)]
            taken = Annotated[list[member], Field(max_length=len(labels))]
        case Numbers(names, least, most, whole):
            name: Any = Literal[tuple(map(str, names))]
            number: Any = Annotated[cast(Any, int if whole else float), Field(ge=least, le=most)]
            taken = dict[name, number]
        case _:
            raise NotImplementedError(setting.kind)
    taken = taken | None if may_be_null else taken
    return Annotated[taken, Field(description=setting.text)]


def _changes_of(owner: type) -> Any:
    """Return a model that has each setting of *owner*, none of which need be given."""
    fields: dict[str, Any] = {
        one.name: (_annotation(one, may_be_null=True), None) for one in settings_of(owner)
    }
    return create_model(f"{owner.__name__}Settings", __base__=Strict, **fields)


_PolicySettings: Any = _changes_of(Policy)
_RetentionSettings: Any = _changes_of(Retention)
_SiteSettings: Any = _changes_of(Site)


class PolicyIn(_PolicySettings):
    """A site's rules; what is left out keeps its value."""


class RetentionIn(_RetentionSettings):
    """For how many days texts, and then bare verdicts, are kept."""


class SiteChange(_SiteSettings):
    """What to change of a site; what is left out keeps its value."""

    policy: PolicyIn | None = None
    retention: RetentionIn | None = None


class RollbackIn(Strict):
    """Which version of the site's own head is to judge."""

    version: Annotated[
        int | None,
        Field(ge=0, le=2**31, description="Left out: the one before. 0: the shared model alone."),
    ] = None


class LeaveOutIn(Strict):
    """Whose decisions are left out of learning."""

    person: Annotated[
        Text,
        Field(min_length=1, max_length=300, description="As `people` names them: `moderator:ada`."),
    ]
    out: Annotated[bool, Field(description="False: count them, whatever they are.")] = True


class KeyIn(Strict):
    """A new key."""

    kind: Annotated[KeyKind, Field(strict=False)] = KeyKind.API
    name: Annotated[str, Field(max_length=100, description="What it is for, for people.")] = ""
    expires_at: Annotated[
        Moment | None,
        Field(description="When it stops working; left out: never."),
    ] = None


class EndpointIn(Strict):
    """A subscriber: where to send which events."""

    url: Annotated[Text, Field(min_length=1, max_length=2000)]
    events: Annotated[
        list[Annotated[EventType, Field(strict=False)]],
        Field(min_length=1, max_length=len(EventType)),
    ] = [EventType.APPROVED]  # noqa: RUF012 - pydantic copies it
    description: Short = ""
    enabled: bool = True
    allow_private: Annotated[bool, Field(description="Administrators only.")] = False
    full_payload: bool = True
    kind: Annotated[EndpointKind, Field(strict=False)] = EndpointKind.WEBHOOK
    headers: Annotated[dict[Short, Short], Field(max_length=20)] = {}  # noqa: RUF012 - pydantic copies it


class EndpointChange(Strict):
    """What to change of an endpoint; what is left out keeps its value."""

    url: Annotated[Text | None, Field(min_length=1, max_length=2000)] = None
    events: (
        Annotated[
            list[Annotated[EventType, Field(strict=False)]],
            Field(min_length=1, max_length=len(EventType)),
        ]
        | None
    ) = None
    description: Short | None = None
    enabled: bool | None = None
    allow_private: bool | None = None
    full_payload: bool | None = None
    headers: Annotated[dict[Short, Short], Field(max_length=20)] | None = None


class RedeliverIn(Strict):
    """Which deliveries to send again: one by its id, or all that failed since a time."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["delivery"]}, {"required": ["failed_since"]}]}
    )

    delivery: Annotated[Text, Field(max_length=64)] = ""
    failed_since: Moment | None = None


# -- what is given ---------------------------------------------------------------------------------


class Links(BaseModel):
    """Where the comment is found."""

    self: str
    decision: str
    desk: str


class ReasonOut(BaseModel):
    """Why: a stable code with its values, and what they say in English."""

    code: str
    values: dict[str, str | int | float]
    text: str
    links: list[str] = Field(
        [], description="Comments that it speaks of; left out when it speaks of none."
    )


Warnings = Annotated[
    list[str],
    Field(description="What was mended in the texts of the request; left out when nothing was."),
]


class AcceptedOut(BaseModel):
    """The result of submitting a comment."""

    id: str
    external_id: str | None
    status: Status
    outcome: Literal["new", "same", "conflict"]
    links: Links
    warnings: Warnings = []


class BatchOut(BaseModel):
    """The result of each comment, in the order of the request."""

    items: list[AcceptedOut]
    warnings: Warnings = []


class RememberedOut(BaseModel):
    """The result of importing one comment."""

    external_id: str | None
    outcome: Annotated[
        Literal["new", "same", "conflict", "refused"],
        Field(
            description="`conflict`: another text has this id here, and stays. "
            "`refused`: see `reason`; nothing is kept of it."
        ),
    ]
    id: str | None
    status: Status | None
    reason: Annotated[str | None, Field(description="Why it was refused, field by field.")]
    lost: Annotated[list[str], Field(description="What was cut or left out of it, if anything.")]


class HistoryOut(BaseModel):
    """The result of each comment, in the order of the request."""

    items: list[RememberedOut]


class ActorOut(BaseModel):
    """Who did it: the kind is Winnow's own knowledge, the name may be what a blog says."""

    kind: ActorKind
    name: str
    via: Annotated[str, Field(description="The key's id, the token's name or the door, if any.")]


class TransitionOut(BaseModel):
    """One line of history."""

    model_config = ConfigDict(populate_by_name=True)

    from_: Annotated[Status, Field(alias="from")]
    to: Status
    by: ActorOut
    reason: str
    note: str
    at: str


class RemarkOut(BaseModel):
    """A note or a reply: its number among those of its comment, from 1 on."""

    number: int
    text: str
    by: ActorOut
    at: str


class RemarksOut(BaseModel):
    """What moderators wrote about a comment."""

    notes: list[RemarkOut]
    replies: list[RemarkOut]


class RevisedOut(BaseModel):
    """What the author wrote, where a moderator changed it since; who did last, and when."""

    original: str
    by: ActorOut | None
    at: str | None


class CommentOut(BaseModel):
    """A comment, where it stands and why."""

    id: str
    site_id: str
    external_id: str | None
    status: Status
    revision: int
    version: int
    created_at: str
    updated_at: str
    content: str
    author: dict[str, str]
    post: dict[str, str]
    parent: str | None
    spot_check: bool
    revised: RevisedOut | None
    scores: dict[str, float] | None
    model: str | None
    verdict: Action | None
    reasons: list[ReasonOut]
    history: list[TransitionOut]
    undo_until: str | None
    links: Links
    warnings: Warnings = []


class CommentsOut(BaseModel):
    """A page of comments; ``next`` is the cursor of the next one."""

    items: list[CommentOut]
    next: str | None
    unsearched: int | None = Field(
        None, description="Comments that came last and that no search by words finds yet."
    )


class DecisionsOut(BaseModel):
    """The results of a bulk decision, by comment."""

    decided: list[str]
    refused: dict[str, str]


class EventAuthor(BaseModel):
    """Who wrote it, without address and e-mail."""

    name: str
    url: str


class EventPost(BaseModel):
    """What it was written under."""

    url: str
    title: str


class EventComment(BaseModel):
    """The comment as it is now; left out when it was changed since, and of short payloads."""

    content: str
    author: EventAuthor
    post: EventPost
    created_at: str
    parent: str | None = None
    verdict: Action | None = None
    reasons: list[ReasonOut] = []
    revised: Annotated[
        bool, Field(description="A moderator changed the text: it is not what the blog sent.")
    ] = False


class EventReply(BaseModel):
    """A reply to publish, once for each ``id``; its author is a moderator's name."""

    id: str
    text: str
    author: dict[str, str]
    created_at: str


class EventData(BaseModel):
    """What an event tells of its subject: of a comment the first six, of a reply ids and `reply`."""

    id: str = ""
    site_id: str = ""
    revision: int = 0
    sequence: int = 0
    status: Status = Status.PENDING
    external_id: str = ""
    comment: EventComment | None = None
    reply: EventReply | None = None
    endpoint_id: str = ""
    message: str = ""


class WebhookOut(BaseModel):
    """The body of a webhook. `docs/webhooks.md` says how it is signed, and in which order to read them."""

    type: EventType
    timestamp: str
    data: EventData


class EventOut(BaseModel):
    """An event of the feed; ``id`` is the webhook-id."""

    id: str
    cursor: str
    type: EventType
    timestamp: str
    data: EventData


class EventsOut(BaseModel):
    """Events in order; ask again with ``after=<next>``."""

    items: list[EventOut]
    next: str


class _Whole(BaseModel):
    """A member of the answer: exactly these fields."""

    model_config = ConfigDict(extra="forbid")


def _values_of(owner: type) -> Any:
    """Return a model that has each setting of *owner*, null where it is off."""
    fields: dict[str, Any] = {
        one.name: (_annotation(one, may_be_null=one.default is None), ...)
        for one in settings_of(owner)
    }
    return create_model(f"{owner.__name__}Values", __base__=_Whole, **fields)


_PolicyValues: Any = _values_of(Policy)
_RetentionValues: Any = _values_of(Retention)
_SiteValues: Any = _values_of(Site)


class PolicyOut(_PolicyValues):
    """A site's rules."""


class RetentionOut(_RetentionValues):
    """For how many days texts, and then bare verdicts, are kept."""


class SiteOut(_SiteValues):
    """A site with its settings."""

    id: str
    created_at: str
    policy: PolicyOut
    retention: RetentionOut


class SitesOut(BaseModel):
    """Several sites."""

    items: list[SiteOut]


class LearningSetAsideOut(_Whole):
    """Shares of pairs of decisions, one good and one bad, that the others put in the same order.

    ``agreed`` is of this person's decisions, ``others`` of the others' decisions.
    """

    agreed: float
    others: float


class LearningAttemptOut(_Whole):
    """The result of fitting a head: why it is used or not, and its figures as shares from 0 to 1.

    ``agreement_before`` and ``agreement_after``: with the latest ``replayed`` decisions. ``moved`` names some of the
    ``elsewhere`` comments, of the latest ``compared``, that it would send elsewhere; null until that was looked at.
    ``digest`` is the same for heads that move alike. ``set_aside`` names people who decide the opposite of the others
    and were left out for it. ``unproven`` counts by person the decisions on what the machine had settled that were
    left out, since they don't help with what the others decided.
    """

    at: str
    outcome: str
    model: str
    decisions: int
    people: dict[str, int]
    replayed: int
    agreement_before: float
    agreement_after: float
    frozen_auc_drop: float
    compared: int
    elsewhere: int | None
    moved: list[str]
    digest: str
    set_aside: dict[str, LearningSetAsideOut]
    unproven: dict[str, int]


class LearningVersionOut(LearningAttemptOut):
    """A head that was fitted, and whether it judges or ever did."""

    version: int
    name: str
    current: bool
    judged: bool


class LearningOut(_Whole):
    """What a site has learned; ``current`` names the version that judges, null for the shared model alone.

    ``left_out`` are people whose decisions somebody left out, ``vouched`` those whose decisions count whatever they are.
    """

    site_id: str
    learning: LearningMode
    current: str | None
    pinned: bool
    feedback: int
    due: bool
    left_out: list[str]
    vouched: list[str]
    latest: LearningAttemptOut | None
    versions: list[LearningVersionOut]


class KeyOut(_Whole):
    """A key as it is stored, without its secret."""

    id: str
    name: str
    site_id: str
    kind: KeyKind
    hint: str
    created_at: str
    expires_at: str | None
    last_used_at: str | None


class NewKeyOut(KeyOut):
    """A new key; ``key`` is shown only now."""

    key: str


class KeysOut(BaseModel):
    """Several keys."""

    items: list[KeyOut]


class EndpointOut(_Whole):
    """An endpoint without its secrets; of its headers only the names."""

    id: str
    site_id: str
    url: str
    events: list[EventType]
    description: str
    enabled: bool
    allow_private: bool
    full_payload: bool
    kind: EndpointKind
    headers: list[str]
    created_at: str
    disabled_reason: str
    failing_since: str | None


class NewEndpointOut(EndpointOut):
    """A new endpoint; its signing ``secret`` is shown only now."""

    secret: str


class EndpointsOut(BaseModel):
    """Several endpoints."""

    items: list[EndpointOut]


class AttemptOut(_Whole):
    """One try at a delivery; *status* is null where nobody answered."""

    at: str
    status: int | None = None
    error: str | None = None
    seconds: float | None = None
    answer: str = ""


class DeliveryOut(_Whole):
    """One event for one endpoint; *comment_id* is null where the event is about no comment."""

    id: str
    endpoint_id: str
    comment_id: str | None
    type: EventType
    state: DeliveryState
    next_attempt_at: str | None
    attempts: list[AttemptOut]


class DeliveriesOut(BaseModel):
    """Several deliveries, the newest first."""

    items: list[DeliveryOut]


class SentOut(_Whole):
    """The id of a delivery that is due now."""

    id: str


class SecretOut(BaseModel):
    """A new signing secret, shown only now."""

    id: str
    secret: str


class Redelivered(BaseModel):
    """How many deliveries are due again."""

    redelivered: int


class ReceiptOut(BaseModel):
    """Receipt of an erasure so far, and when; ``done``: complete. ``whom`` is a keyed hash.

    ``erased_before`` is when the last erasure of the same person was done, null where none is known.
    """

    id: str
    at: str
    whom: str
    sites: int
    comments: int
    records: int
    by_status: dict[str, int]
    done: bool
    erased_before: str | None


class Erased(BaseModel):
    """How many comments were erased so far, and a receipt for each way in which the author was named."""

    erased: int
    done: bool
    receipts: list[ReceiptOut]


class FaultOut(_Whole):
    """A field that was refused, and why; empty where it is the body as a whole."""

    field: str
    detail: str


class ProblemOut(_Whole):
    """Problem details (RFC 9457); the list of problems says which of the last three a problem has."""

    type: str
    title: str
    status: int
    detail: str
    comment_id: str = ""
    version: int = 0
    errors: list[FaultOut] = []
