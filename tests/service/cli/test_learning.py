"""winnow learning: what judges, and one command that takes it back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from moderation import wiring
from moderation.comment import Decision, Draft
from moderation.records import Past
from moderation.site import Site
from tests.support.world import PlainDuplicates, PlainLearner, PlainModel


@pytest.fixture
def site(adapters: wiring.Adapters) -> Site:
    """A site that has learned a head from an import."""
    site = adapters.accounts.add_site("blog", now_ms=1)
    model = PlainModel()
    learned = replace(
        adapters, current=lambda: model, duplicates=PlainDuplicates(), learning=PlainLearner
    )
    history = [
        Past(Draft(f"toxicity=0.6 {n}", external_id=str(n)), 1_700_000_000_000 + n, Decision.REJECT)
        for n in range(4)
    ]
    learned.remember(history, site=site)
    learned.learn(site.id)
    return site


def test_a_site_that_has_learned_nothing_says_so(run, ask, adapters: wiring.Adapters):
    adapters.accounts.add_site("blog", now_ms=1)
    assert ask("learning", "status", "blog")["current"] is None
    assert "shared model judges alone" in run("learning", "list", "blog").stderr


def test_what_judges_and_what_it_was_fitted_on_is_told(run, ask, site: Site):
    answer = ask("learning", "status", "blog")
    assert (answer["current"], answer["learning"], answer["feedback"]) == ("s1", "on", 4)
    (version,) = ask("learning", "list", "blog", many=True)
    assert (version["version"], version["decisions"], version["people"]) == (1, 4, {"import:": 4})
    shown = run("learning", "status", "blog").stdout
    assert "head s1" in shown
    assert "from 4 decisions: It does better and judges" in shown
    assert "judges" in run("learning", "list", "blog").stdout


def test_one_command_takes_it_back_and_another_lets_it_learn_again(run, ask, site: Site):
    answer = ask("learning", "rollback", "blog")
    assert (answer["current"], answer["pinned"]) == (None, True)
    assert "until it is resumed" in run("learning", "status", "blog").stdout
    assert ask("learning", "rollback", "blog", "1")["current"] == "s1"
    assert not ask("learning", "resume", "blog")["pinned"]
    refused = run("learning", "rollback", "blog", "7", code=1)
    assert "no version 7" in refused.stderr


def test_a_person_is_left_out_by_name_and_taken_in_again(run, ask, site: Site):
    answer = ask("learning", "forget-person", "blog", "import:")
    assert (answer["left_out"], answer["current"]) == (["import:"], None)
    assert ask("learning", "forget-person", "blog", "import:", "--again")["left_out"] == []
    assert "names nobody here" in run("learning", "forget-person", "blog", "eve", code=1).stderr


def test_whose_decisions_on_what_was_settled_are_left_out_is_told(
    run, ask, adapters: wiring.Adapters, site: Site
):
    made = adapters.comments.progress(site.id).latest
    adapters.comments.note_attempt(site.id, replace(made, unproven={"moderator:eve": 12}))
    assert ask("learning", "status", "blog")["latest"]["unproven"] == {"moderator:eve": 12}
    shown = run("learning", "status", "blog").stdout
    assert "unproven  moderator:eve: 12 of their decisions are left out" in shown
