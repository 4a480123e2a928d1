"""Learning from decisions, in a whole Winnow: the fifty-first verdict, and the way back."""

from __future__ import annotations

from pathlib import Path

from tests.support.service import running
from tests.support.waiting import wait_until

GOOD = (
    "The second verse of the song about {} made me cry.", "I grow tomatoes near {} and they never ripen.",
    "My grandmother told me the same about {}.", "Does anyone know that recipe from {}?",
    "Great photo of {}, from which hill was it taken?",
)  # fmt: skip
UNWANTED = (
    "Ask me for a horoscope about {}, I read the stars.", "Your stars for {}: a tarot reading tells all.",
    "Tarot and horoscopes from {} here, just ask.", "My psychic saw {} coming, she reads palms.",
    "I read palms and cards about {}, ask me for yours.",
)  # fmt: skip
PLACES = ("Berlin", "Paris", "Rome", "Lisbon", "Oslo", "Kyoto", "Vienna", "Prague", "Cork", "Graz")
PROBE = "Ask me for a tarot reading about Madrid, the stars tell all."


def test_the_fiftieth_decision_changes_the_fifty_first_verdict_and_one_command_takes_it_back(
    tmp_path: Path,
):
    with running(tmp_path / "data") as winnow:
        winnow.run("site", "set", "demo", "policy.mode=hold-all", "policy.spot_checks=0")
        before = winnow.judged(PROBE)
        pairs = [
            (text.format(place), decision)
            for texts, decision in ((GOOD, "approve"), (UNWANTED, "spam"))
            for text in texts
            for place in PLACES[:5]
        ]
        # As they come on a blog: one and the other.
        pairs = [pair for both in zip(pairs[:25], pairs[25:], strict=True) for pair in both]
        batch = [{"content": text} for text, _ in pairs]
        ids = [one["id"] for one in winnow.ask("POST", "/v1/comments/batch", batch)[1]["items"]]
        wait_until(
            lambda: all(winnow.status_of(one) == "flagged" for one in ids), message="verdicts"
        )
        for comment_id, (_, decision) in zip(ids, pairs, strict=True):
            path = f"/v1/comments/{comment_id}/decision"
            assert winnow.ask("POST", path, {"decision": decision})[0] == 200
        number = iter(range(1000))
        after = wait_until(
            lambda: (
                (score := winnow.judged(f"{PROBE} {next(number)}"))["model"].endswith("+s1")
                and score
            ),
            message="the fifty-first verdict",
        )
        assert after["scores"]["spam"] > before["scores"]["spam"]

        report = winnow.cli("learning", "status", "demo")
        assert (report["current"], report["latest"]["decisions"], report["feedback"]) == (
            "s1",
            50,
            50,
        )
        _, shown = winnow.ask("GET", f"/v1/sites/{after['site_id']}/learning")
        assert (shown["current"], len(shown["versions"])) == ("s1", 1)

        winnow.run("learning", "rollback", "demo")
        again = wait_until(
            lambda: (
                "+" not in (score := winnow.judged(f"{PROBE} back {next(number)}"))["model"]
                and score
            ),
            message="the roll-back",
        )
        assert again["model"] == before["model"]
        assert winnow.judged(PROBE)["scores"] == before["scores"]
        line = winnow.ask("GET", "/v1/comments/" + ids[0])[1]
        assert line["status"] == "approved", "what people decided stays"
