"""docs/observe/ asks only for metrics that Winnow gives; promtool tries the rules in `make test-deploy`."""

from __future__ import annotations

import json
import re

import yaml

from tests.support.service import ROOT

PLACE = ROOT / "docs" / "observe"
DASHBOARD = json.loads((PLACE / "dashboard.json").read_text())
(GROUP,) = yaml.safe_load((PLACE / "alerts.yml").read_text())["groups"]
CASES = [
    case
    for name in ("alerts_test.yml", "alerts_weeks_test.yml")
    for case in yaml.safe_load((PLACE / name).read_text())["tests"]
]


def given() -> set[str]:
    """Return the names of every series, as Prometheus stores them."""
    source = (ROOT / "service" / "ops.py").read_text()
    names = set()
    kinds = r"(Counter|Gauge|Histogram)(?:MetricFamily)?\(\s*\"(winnow_\w+)\""
    for kind, name in re.findall(kinds, source):
        suffixes = {
            "Counter": ["_total"],
            "Gauge": [""],
            "Histogram": ["_bucket", "_count", "_sum"],
        }
        names |= {name + suffix for suffix in suffixes[kind]}
    return names


def asked(expression: str) -> set[str]:
    return set(re.findall(r"(?<![:\w])winnow_\w+", expression))


def test_the_dashboard_asks_only_for_what_there_is():
    panels = DASHBOARD["panels"]
    queries = [target["expr"] for panel in panels for target in panel["targets"]]
    assert set().union(*map(asked, queries)) <= given()
    assert len({panel["id"] for panel in panels}) == len(panels) >= 12
    assert all(panel["datasource"]["uid"] == "${datasource}" for panel in panels)


def test_the_dashboard_shows_every_metric():
    shown = set().union(*(asked(t["expr"]) for p in DASHBOARD["panels"] for t in p["targets"]))
    families = {re.sub("_(bucket|count|sum|total)$", "", name) for name in given()}
    assert families <= {re.sub("_(bucket|count|sum|total)$", "", name) for name in shown}


def test_each_alert_asks_for_what_there_is_and_says_what_to_do():
    for rule in GROUP["rules"]:
        assert asked(rule["expr"]) <= given(), rule
        if "alert" in rule:
            assert set(rule["annotations"]) == {"summary", "remedy"}, rule
            assert rule["labels"]["severity"] in {"warning", "critical"}


def test_each_alert_is_made_to_fire_in_a_test():
    alerts = {rule["alert"] for rule in GROUP["rules"] if "alert" in rule}
    fired = {
        one["alertname"] for case in CASES for one in case["alert_rule_test"] if one["exp_alerts"]
    }
    silent = {one["alertname"] for one in CASES[-1]["alert_rule_test"] if one["exp_alerts"] == []}
    assert fired == silent == alerts
