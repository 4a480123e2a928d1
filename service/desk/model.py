"""The model: its version, the figures of its card, and the decisions that differ from it most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import request

from moderation.comment import Decision
from moderation.insight import how_wrong, machines_own, most_wrong
from moderation.records import KeptDecision
from moderation.scores import Label
from moderation.verdict import Action
from service.context import winnow
from service.desk.base import bp, my_site, my_sites
from service.desk.pages import page
from service.desk.words import _

#: Decisions that are looked at, and misses that are shown.
LOOKED_AT = 1000
SHOWN = 10


@bp.get("/model")
def model() -> Any:
    """Show the model, and those comments of a site on which it was most wrong."""
    context, sites = winnow(), my_sites()
    site = my_site(request.args["site"]) if request.args.get("site") else next(iter(sites), None)
    kept = context.comments.decisions(site.id, limit=LOOKED_AT) if site else []
    judged = [
        one
        for one in kept
        if not one.undone and one.is_on_the_verdict and machines_own(one.verdict)
    ]
    held = [one for one in judged if machines_own(one.verdict) is Action.FLAG]
    wrong = most_wrong(kept)
    card: Mapping[str, Any] = getattr(context.model, "card", {}) if context.model else {}
    return page(
        "model.html",
        site=site,
        sites=sites,
        version=context.model.version if context.model else _("none"),
        thresholds=context.model.thresholds if context.model else {},
        measured=[_measured(label, card) for label in Label],
        trained_on=sum(card.get("sources", {}).values()),
        sources=len(card.get("sources", {})),
        libraries=card.get("libraries", {}),
        budget=card.get("metrics", {}).get("budget", {}),
        judged=len(judged),
        held=len(held),
        passed=sum(one.decision is Decision.APPROVE for one in held),
        wrong=[(one, how_wrong(one), _leading(one)) for one in wrong[:SHOWN]],
        missed=len(wrong),
        own=machines_own,
    )


@dataclass(frozen=True, slots=True)
class LabelQuality:
    """How well one label was found in comments that were kept from training."""

    label: Label
    comments: int
    #: ROC-AUC, averaged over the sources by their size; None where none was measured.
    auc: float | None
    #: Expected calibration error: the mean distance between a score and the share of comments with
    #: that score that have the label.
    error: float | None
    skill: float | None


def _measured(label: Label, card: Mapping[str, Any]) -> LabelQuality:
    metrics = card.get("metrics", {})
    held_out = [
        figures[label] for figures in metrics.get("held_out", {}).values() if label in figures
    ]
    comments = sum(one["labelled"] for one in held_out)
    calibration = metrics.get("calibration", {}).get(label, {})
    return LabelQuality(
        label,
        comments,
        sum(one["auc"] * one["labelled"] for one in held_out) / comments if comments else None,
        calibration.get("ece"),
        calibration.get("brier_skill"),
    )


def _leading(one: KeptDecision) -> tuple[Label, float] | None:
    """Return the highest score and its label."""
    scores = one.scores
    if scores is None:
        return None
    label = max(Label, key=scores.__getitem__)
    return label, scores[label]
