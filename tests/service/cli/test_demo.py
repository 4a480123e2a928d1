"""demo: a site that looks lived in, filled by the way of every comment."""

from __future__ import annotations

import re

from moderation.comment import Status
from moderation.records import Order
from service.cli.demo import comments


def test_seed_fills_a_site_with_comments_of_every_sort_and_not_twice(run, ask, adapters):
    run("site", "add", "garden")
    answer = ask("demo", "seed", "--site", "garden", "--count", "150")
    assert answer["new"] == 150
    assert set(answer["comments"]) >= {"approved", "flagged", "rejected", "spam"}
    assert answer["comments"]["approved"] > 75, "most people are friendly"
    site = adapters.accounts.site("garden")
    assert adapters.comments.counts(site.id)[Status.PENDING] == 0
    assert adapters.comments.queue(site.id, order=Order.PRIORITY, limit=1).items
    assert ask("demo", "seed", "--site", "garden", "--count", "150")["new"] == 0


def test_each_sentence_of_the_demo_begins_with_a_capital_and_has_the_right_article():
    texts = [one.content for one in comments(700)]
    assert not [text for text in texts if re.search(r"[.!?] (the|old|a|too|badly|plain) ", text)]
    assert not [text for text in texts if re.match(r"(the|old) ", text)]
    assert not [text for text in texts if re.search(r"\ban [^aeiouAEIOU]", text)]
