"""Every comment and where it stands; the protocol of design section 4, a file a stage."""

from __future__ import annotations

from moderation.store.campaigns import Campaigns
from moderation.store.decisions import Decisions
from moderation.store.intake import Intake
from moderation.store.learning import Learning
from moderation.store.people import People
from moderation.store.remarks import RemarksKept
from moderation.store.retention import Purging
from moderation.store.screening import Screening
from moderation.store.search import Search
from moderation.store.wake import Wake


class Comments(
    Intake,
    Screening,
    Wake,
    Decisions,
    RemarksKept,
    Learning,
    Purging,
    Search,
    People,
    Campaigns,
):
    """Comments, in every stage.

    Times are Unix milliseconds. Every call that reaches Redis raises StorageUnavailable when it
    cannot do its work, and then nothing was changed.
    """
