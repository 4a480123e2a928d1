"""What decisions are worth, through the API of a running Winnow, and what takes them back.

``python -m benchmarks.learning`` tries a small site of our own sentences. With labelled comments
(``../shared/data``) it tries the five sites of ``models.trial.PLACES``, and with ``--model`` by the
shared model that ``./winnow model house-trial --save`` wrote, which never read them.

A site's comments are halved. One half is posted, and owners decide what the queue gives them; the
other half is posted before, after 50 and after 200 decisions, ranked, and erased again each time.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from models.datasets import load
from models.trial import MOST, PLACES
from moderation.houses import CHECK_SECONDS
from tests.support.service import Running, running
from tests.support.waiting import wait_until

#: Comments that are ranked, that are posted to be decided, and those whose verdicts are compared.
RANKED, DECIDED, PROBES = 400, 800, 60
#: Decisions after which the rest is ranked; of which the owners, three keys, are to decide.
AFTER = (50, 200)
#: Longest wait for verdicts, and for a head, in seconds; a loaded machine takes long.
PATIENCE = 600
#: Comments that are posted at once: few enough that on a loaded machine no worker is taken for stuck.
_AT_ONCE = 25
#: Settings of the installation: no limits to what a site sends, nothing read in a hurry, and a minute for a
#: batch, since on a loaded machine a worker would else be taken for stuck, and killed.
ROOM = {
    "WINNOW_SITE_RATE": "10000000/minute",
    "WINNOW_HURRY_AFTER": "3600",
    "WINNOW_BATCH_SECONDS": "60",
    "WINNOW_LEASE_SECONDS": "90",
}
#: Settings of a site: what is doubtful is held, and a fifth of the rest is spot-checked. On a small
#: site all is held.
POLICY = ("policy.mode=hold-doubtful", "policy.spot_checks=200")
OWN_POLICY = ("policy.mode=hold-all", "policy.spot_checks=0")

Text = tuple[str, bool]
#: A worker may judge by the former head until it looks for another one.
TAKEN_UP_SECONDS = CHECK_SECONDS + 0.5
_NUMBERS = itertools.count()


@dataclass
class Blog:
    """A site of a running Winnow whose comments are known to be good or bad.

    ``keys`` are those of three people; ``key`` is the one that comments come by.
    """

    winnow: Running
    name: str
    side: str
    token: str
    policy: Sequence[str] = POLICY
    order: str = "priority"
    site: str = ""
    key: str = ""
    keys: list[str] = field(default_factory=list)
    bad: dict[str, bool] = field(default_factory=dict)
    decided: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Make the site and its keys."""
        self.site = self.winnow.cli("site", "add", self.name)["id"]
        self.winnow.run("site", "set", self.name, *self.policy)
        made = [
            self.winnow.cli("key", "add", self.name, "--kind", "api", "--name", f"person {n}")
            for n in range(4)
        ]
        self.key, *self.keys = (one["key"] for one in made)

    def ask(self, method: str, path: str, body: Any = None, *, key: str = "") -> Any:
        """Return what the API answers; anything but success ends the run."""
        status, answer = self.winnow.ask(method, path, body, key=key or self.key)
        assert status < 300, (method, path, status, answer)
        return answer

    def send(self, texts: Sequence[Text]) -> list[dict[str, Any]]:
        """Return *texts* as screened comments."""
        ids: list[str] = []
        for begin in range(0, len(texts), _AT_ONCE):
            part = texts[begin : begin + _AT_ONCE]
            accepted = self.ask(
                "POST", "/v1/comments/batch", [{"content": text} for text, _ in part]
            )
            new = [one["id"] for one in accepted["items"]]
            self.bad |= dict(zip(new, (bad for _, bad in part), strict=True))
            # One batch at a time: none waits long enough to be read in a hurry.
            self._screened(new[-1])
            ids += new
        return [self._screened(one) for one in ids]

    def _screened(self, comment_id: str) -> dict[str, Any]:
        def read() -> dict[str, Any] | None:
            comment: dict[str, Any] = self.ask("GET", f"/v1/comments/{comment_id}")
            return None if comment["status"] == "pending" else comment

        found = wait_until(read, PATIENCE, "a verdict")
        assert found is not None
        return found

    def erase(self, comments: Sequence[Mapping[str, Any]]) -> None:
        """Erase *comments*, so that the next time nothing is a near-duplicate of them."""
        for one in comments:
            self.ask("DELETE", f"/v1/comments/{one['id']}")

    def scores(self, texts: Sequence[Text]) -> list[dict[str, Any]]:
        """Return model and scores of *texts*, of which nothing is left afterwards."""
        comments = self.send(texts)
        self.erase(comments)
        return [{"model": one["model"], **one["scores"]} for one in comments]

    def decide(self, most: int, people: Sequence[str], *, reverse: bool = False) -> int:
        """Decide up to *most* comments by *people* in turn, and return how many.

        What the queue gives comes first, by ``order``; then what the machine settled wrongly.
        """
        turns = itertools.cycle(people)
        done = 0
        for comment_id in self._waiting(most, reverse=reverse):
            bad = self.bad[comment_id] != reverse
            decision = ("spam" if self.side == "spam" else "reject") if bad else "approve"
            path = f"/v1/comments/{comment_id}/decision"
            self.ask("POST", path, {"decision": decision}, key=next(turns))
            self.decided.add(comment_id)
            done += 1
        return done

    def _waiting(self, most: int, *, reverse: bool) -> Iterator[str]:
        found: list[str] = []
        queue = f"/v1/queue?order={self.order}&"
        for path in (queue, "/v1/comments?status=approved&", "/v1/comments?status=spam&",
                     "/v1/comments?status=rejected&"):  # fmt: skip
            cursor = ""
            while len(found) < most:
                page = self.ask("GET", f"{path}limit=100{cursor and '&cursor='}{cursor}")
                for one in page["items"]:
                    held = path == queue
                    wrong = (one["status"] == "approved") == (self.bad.get(one["id"]) != reverse)
                    if one["id"] in self.bad and one["id"] not in {*self.decided, *found}:
                        found += [one["id"]] * (held or wrong)
                cursor = page["next"] or ""
                if not cursor:
                    break
        yield from found[:most]

    def learning(self) -> dict[str, Any]:
        """Return what the site has learned."""
        state: dict[str, Any] = self.ask("GET", f"/v1/sites/{self.site}/learning")
        return state

    def learned(self, before: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the site has learned once everything decided since *before* is dealt with."""
        was = before["latest"] and before["latest"]["at"]

        def done() -> dict[str, Any] | None:
            state = self.learning()
            new = state["latest"] and state["latest"]["at"] != was
            return state if new and not state["due"] else None

        found = wait_until(done, PATIENCE, "a head")
        assert found is not None
        return found

    def judged_by(self, current: str | None) -> None:
        """Return once new comments are judged by the version *current*, whichever worker takes them."""
        asked = time.monotonic()

        def judged() -> bool:
            (one,) = self.send([(f"{self.name}: is anybody there? {next(_NUMBERS)}", False)])
            self.erase([one])
            now = (one["model"].partition("+")[2] or None) == current
            return now and time.monotonic() - asked > TAKEN_UP_SECONDS

        wait_until(judged, PATIENCE, f"a verdict by {current}")

    def administer(self, action: str, body: Any) -> dict[str, Any]:
        """Return what the site has learned after a step that administrators alone may do."""
        path = f"/v1/sites/{self.site}/learning/{action}"
        answer: dict[str, Any] = self.ask("POST", path, body, key=self.token)
        return answer


def tried(blog: Blog, texts: Sequence[Text], *, ranked: int, decided: int) -> dict[str, Any]:
    """Return the figures of one site."""
    rest, pool = list(texts[:ranked]), list(texts[ranked : ranked + decided])
    probes, found = rest[:PROBES], {}
    first = blog.scores(rest)
    found["roc_auc"] = roc = _ranked(blog, rest, first)
    blog.send(pool)
    made, versions = 0, {}
    for after in AFTER:
        before = blog.learning()
        made += blog.decide(after - made, blog.keys[:2])
        begun = time.monotonic()
        if after == AFTER[0]:
            found["seconds to the 51st verdict"] = _first_verdict(blog, before, begun)
        state = blog.learned(before)
        blog.judged_by(state["current"])
        scored = blog.scores(rest)
        versions[after] = (state, scored)
        found |= {
            f"{after}: decisions": made,
            f"{after}: judges": state["current"],
            f"{after}: outcome": state["latest"]["outcome"],
            f"{after}: gain": round(_ranked(blog, rest, scored) - roc, 4),
            f"{after}: frozen drop": _drop(state),
        }
    state, scored = versions[AFTER[-1]]
    found["an outsider changes"] = _outsider(blog, state, probes, scored[:PROBES])
    found |= _poisoned(blog, rest, roc, state)
    found["rolled back, verdicts equal"] = _rolled_back(blog, probes, first[:PROBES])
    return found


def _first_verdict(blog: Blog, before: Mapping[str, Any], begun: float) -> float | None:
    """Return the seconds until a verdict by a head of all that was decided; None if none judges."""
    was = before["latest"] and before["latest"]["at"]
    decided = len(blog.decided)

    def judging() -> str | None:
        state = blog.learning()
        for one in state["versions"]:
            known = sum(one["people"].values()) + sum(one["unproven"].values())
            if one["current"] and known == decided:
                return str(one["name"])
        done = state["latest"] and state["latest"]["at"] != was and not state["due"]
        return "none" if done else None

    current = wait_until(judging, PATIENCE, "the first head")
    if current in {None, "none"}:
        return None
    blog.judged_by(current)
    return round(time.monotonic() - begun, 1)


def _outsider(
    blog: Blog, was: Mapping[str, Any], probes: Sequence[Text], scored: Sequence[Any]
) -> str:
    """Return what changes by the comments, edits and erasures of somebody who decides nothing."""
    sent = blog.send(
        [(f"{blog.name} {n}: vote for me, I said it {n} times", True) for n in range(50)]
    )
    for one in sent[:10]:
        body = {"content": f"{blog.name}: I take that back, {one['id']}"}
        blog.ask("PUT", f"/v1/comments/{one['id']}", body)
    blog.erase(sent)
    now = blog.learning()
    kept = all(was[name] == now[name] for name in ("current", "feedback", "latest", "versions"))
    same = blog.scores(probes) == list(scored)
    return "nothing" if kept and same else f"learning: {not kept}, verdicts: {not same}"


def _poisoned(
    blog: Blog, rest: Sequence[Text], roc: float, was: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a third person does with 200 reversed decisions, and what leaving them out does."""
    made = blog.decide(AFTER[-1], blog.keys[2:], reverse=True)
    state = blog.learned(was)
    blog.judged_by(state["current"])
    scored = blog.scores(rest)
    known = {*was["latest"]["people"], *was["latest"]["unproven"]}
    latest = state["latest"]
    seen = {*latest["people"], *latest["set_aside"], *latest["unproven"]}
    found: dict[str, Any] = {
        "rogue: reversed decisions": made,
        "rogue: gain": round(_ranked(blog, rest, scored) - roc, 4),
        "rogue: set aside": [list(one.values()) for one in latest["set_aside"].values()],
        "rogue: unproven": sum(n for name, n in latest["unproven"].items() if name not in known),
    }
    (rogue,) = seen - known
    before = blog.learning()
    blog.administer("people", {"person": rogue, "out": False})
    vouched = blog.learned(before)
    blog.judged_by(vouched["current"])
    counted = blog.scores(rest)
    found["rogue, counted all the same: gain"] = round(_ranked(blog, rest, counted) - roc, 4)
    blog.administer("people", {"person": rogue})
    without = blog.learned(vouched)
    blog.judged_by(without["current"])
    honest = was["latest"]["digest"]
    found["rogue left out: head equal"] = without["latest"]["digest"] == honest
    return found


def _rolled_back(blog: Blog, probes: Sequence[Text], first: Sequence[Any]) -> bool:
    """Return whether verdicts are as they were before anything was learned."""
    if blog.learning()["current"]:
        blog.administer("rollback", {"version": 0})
    blog.judged_by(None)
    return blog.scores(probes) == list(first)


def _ranked(blog: Blog, texts: Sequence[Text], scored: Sequence[Mapping[str, Any]]) -> float:
    target = [bad for _, bad in texts]
    return round(float(roc_auc_score(target, [one[blog.side] for one in scored])), 4)


def _drop(state: Mapping[str, Any]) -> float:
    """Return the largest loss of ROC-AUC on the frozen set of what judges."""
    judging = [one["frozen_auc_drop"] for one in state["versions"] if one["current"]]
    return max(judging, default=0.0)


def sites(
    data: Path, most: int, names: Sequence[str] | None = None
) -> dict[str, tuple[str, list[Text]]]:
    """Return side and comments of the trial's sites *names*, all without, drawn by a fixed seed."""
    corpus, found = load(data), {}
    for name in names or PLACES:
        place = PLACES[name]
        own_comments = corpus.where(place.has).capped(MOST).examples
        texts = [(one.text, one.labels[place.side] == 1) for one in own_comments]
        random.Random(1).shuffle(texts)
        found[name] = (place.side, texts[:most])
    return found


#: Our own: a site that wants no horoscopes, of which the shared model knows nothing.
GOOD = (
    "The second verse of the song about {} made me cry.", "I grow tomatoes near {} and they never ripen.",
    "My grandmother told me the same about {}.", "Does anyone know that recipe from {}?",
    "Great photo of {}, from which hill was it taken?", "We took the night train to {} last winter.",
)  # fmt: skip
UNWANTED = (
    "Ask me for a horoscope about {}, I read the stars.", "Your stars for {}: a tarot reading tells all.",
    "Tarot and horoscopes from {} here, just ask.", "My psychic saw {} coming, she reads palms.",
    "I read palms and cards about {}, ask me for yours.", "The moon over {} says what your week brings.",
)  # fmt: skip
NAMES = (
    "Berlin", "Paris", "Rome", "Lisbon", "Oslo", "Kyoto", "Vienna", "Prague", "Cork", "Graz", "Turin",
    "Lyon", "Ghent", "Bergen", "Split", "Porto", "Bilbao", "Riga", "Gdansk", "Basel",
)  # fmt: skip


def own() -> dict[str, tuple[str, list[Text]]]:
    """Return a site of our own sentences."""
    places = [f"{name}{when}" for name in NAMES for when in ("", " in spring", " by night")]
    texts = [(one.format(place), bad) for group, bad in ((GOOD, False), (UNWANTED, True))
             for one in group for place in places]  # fmt: skip
    random.Random(1).shuffle(texts)
    return {"own sentences": ("spam", texts)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures of each site and their means, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", type=Path, help="labelled comments; our own without")
    parser.add_argument("--model", type=Path, help="the model that judges; the shipped one without")
    parser.add_argument(
        "--site", action="append", choices=list(PLACES), help="of the five; all without"
    )
    parser.add_argument("--ranked", type=int, default=RANKED)
    parser.add_argument("--decided", type=int, default=DECIDED)
    parser.add_argument(
        "--order", choices=["priority", "oldest"], default="priority", help="the queue's order"
    )
    chosen = parser.parse_args(arguments)
    most = chosen.ranked + chosen.decided
    known = sites(chosen.data, most, chosen.site) if chosen.data else own()
    result: dict[str, dict[str, Any]] = {}
    settings = {**ROOM}
    with tempfile.TemporaryDirectory() as place:
        if chosen.model:
            settings["WINNOW_MODEL"] = str(chosen.model.resolve())
        with running(Path(place) / "data", **settings) as winnow:
            token = winnow.cli("token", "add", "benchmark")["token"]
            for n, (name, (side, texts)) in enumerate(known.items()):
                policy = POLICY if chosen.data else OWN_POLICY
                blog = Blog(winnow, f"site-{n}", side, token, policy, chosen.order)
                part = min(chosen.ranked, len(texts) // 3)
                result[name] = tried(blog, texts, ranked=part, decided=chosen.decided)
                print(json.dumps({name: result[name]}, ensure_ascii=False), flush=True)
    print(json.dumps(summary(list(result.values())), ensure_ascii=False))


def summary(figures: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return means and worst figures over sites."""
    result: dict[str, Any] = {}
    for after in AFTER:
        gains = [one[f"{after}: gain"] for one in figures]
        result[f"{after}: mean gain"] = round(float(np.mean(gains)), 4)
        result[f"{after}: worst gain"] = min(gains)
        result[f"{after}: worst frozen drop"] = max(one[f"{after}: frozen drop"] for one in figures)
    waits = [one["seconds to the 51st verdict"] for one in figures]
    result["longest wait for the 51st verdict, s"] = max(filter(None, waits), default=None)
    result["mean gain with a rogue"] = round(
        float(np.mean([one["rogue: gain"] for one in figures])), 4
    )
    for name, wanted in (("an outsider changes", "nothing"), ("rolled back, verdicts equal", True),
                         ("rogue left out: head equal", True)):  # fmt: skip
        result[f"{name} {wanted}".lower()] = sum(one[name] == wanted for one in figures)
    return result


if __name__ == "__main__":
    main()
