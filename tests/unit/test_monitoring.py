"""`deploy/`: every expression is PromQL over metrics that exist, and every alert has a section in the runbook."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, get_args

import promql_parser as promql
import pytest
import yaml
from prometheus_client import Counter, Gauge, Histogram

from projections.engine.generation_records import ACTIVE, BUILDING, STANDBY
from projections.engine.stages import Stage
from services.ingress.http.webhooks import WRONG_SIGNATURE
from services.runtime import metrics
from services.runtime.decoding import CANNOT_BE_SAVED
from tests.support.compose import ROOT, parsed_compose

DEPLOY: Final = ROOT / "deploy"
ALERTS: Final = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"][0]["rules"]
SCRAPES: Final = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
DASHBOARD: Final = json.loads((DEPLOY / "grafana" / "dashboards" / "onefold.json").read_text())
PANELS: Final = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
PAGE: Final = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
TARGET_LABELS: Final = {"job", "instance", "generation"}  # Prometheus adds the first two, a worker the third
STATES: Final = {ACTIVE, STANDBY, BUILDING}
VALUES: Final = {
    "state": STATES,
    "outcome": {WRONG_SIGNATURE.slug},
    "reason": {CANNOT_BE_SAVED},
    "stage": set(get_args(Stage)),
}


def series() -> dict[str, set[str]]:
    """The names that Prometheus stores, each with its labels."""
    found = {"up": set[str]()}
    for metric in vars(metrics).values():
        labels = set(getattr(metric, "_labelnames", ()))
        if isinstance(metric, Counter):
            found[f"{metric._name}_total"] = labels
        elif isinstance(metric, Gauge):
            found[metric._name] = labels
        elif isinstance(metric, Histogram):
            found |= {f"{metric._name}{end}": labels for end in ("_sum", "_count")}
            found[f"{metric._name}_bucket"] = labels | {"le"}
    return found


SERIES: Final = series()


def parts(expression: str) -> list[promql.Expr]:
    """Every expression inside an expression. Raises ValueError for what is no PromQL."""
    found: list[promql.Expr] = []
    promql.walk(promql.parse(expression), found.append)
    return found


def faults(expression: str) -> Iterator[str]:
    """What the expression names that Onefold does not have."""
    inside = parts(expression)
    selectors = [one.vector_selector if isinstance(one, promql.MatrixSelector) else one for one in inside]
    labels = TARGET_LABELS.copy()
    for one in selectors:
        if not isinstance(one, promql.VectorSelector):
            continue
        if one.name not in SERIES:
            yield f"metric {one.name}"
            continue
        labels |= SERIES[one.name]
        for matcher in one.matchers.matchers:
            if matcher.name not in SERIES[one.name] | TARGET_LABELS:
                yield f"label {matcher.name} of {one.name}"
            exact = matcher.op in (promql.MatchOp.Equal, promql.MatchOp.NotEqual)
            if exact and matcher.value not in VALUES.get(matcher.name, {matcher.value}):
                yield f"value {matcher.value} of {matcher.name}"
    for one in inside:
        if isinstance(one, promql.AggregateExpr) and one.modifier is not None:
            yield from (f"label {label}" for label in one.modifier.labels if label not in labels)


EXPRESSIONS: Final = [
    *((rule["alert"], rule["expr"]) for rule in ALERTS),
    *((panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]),
]


@pytest.mark.parametrize(("name", "expression"), EXPRESSIONS)
def test_every_expression_is_over_metrics_and_labels_that_exist(name: str, expression: str) -> None:
    assert list(faults(expression)) == [], name


@pytest.mark.parametrize(
    "expression",
    [
        "sum(onefold_nothing)",
        "sum by (tenant) (onefold_lag_seconds)",
        'onefold_lag_seconds{tenant="a"}',
        'onefold_ingress_webhooks_total{outcome="nothing"}',
        "rate(onefold_chunk_seconds_total[5m])",
    ],
)
def test_a_planted_fault_is_found(expression: str) -> None:
    assert list(faults(expression)) != []


def test_what_is_no_promql_is_found() -> None:
    with pytest.raises(ValueError, match="unclosed"):
        list(faults("sum(onefold_lag_seconds"))


def test_the_dashboard_shows_every_metric() -> None:
    shown = " ".join(target["expr"] for panel in PANELS for target in panel["targets"])
    families = {re.sub("_(total|sum|count|bucket)$", "", name) for name in SERIES}
    assert {family for family in families if family not in shown} == set()


def test_panels_have_places_and_names_of_their_own() -> None:
    cells = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    for values in ([panel["id"] for panel in DASHBOARD["panels"]], [panel["title"] for panel in PANELS]):
        assert len(values) == len(set(values))


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_every_alert_has_a_section_that_says_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
    section = re.split(r"^##", PAGE.partition(f"\n### {rule['alert']}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    assert len(section.split()) > 20, "what it means, and what to do"


def test_the_runbook_has_no_alert_that_is_gone() -> None:
    assert re.findall(r"^### (Onefold\w+)$", PAGE, re.MULTILINE) == [rule["alert"] for rule in ALERTS]


def test_compose_runs_what_is_scraped_and_only_on_demand() -> None:
    services = parsed_compose({"ONEFOLD_SECRET_KEY": "k"})
    for name in ("prometheus", "grafana"):
        assert services[name]["profiles"] == ["monitoring"]
        assert all(port.startswith("127.0.0.1:") for port in services[name]["ports"])
        for volume in services[name]["volumes"]:
            source = Path(volume.split(":")[0])
            assert not volume.startswith("./") or (ROOT / source).exists(), volume
    for scrape in SCRAPES:
        (target,) = scrape["dns_sd_configs"]
        (name,) = target["names"]
        ports = {services[name]["environment"].get(f"ONEFOLD_{which}") for which in ("PORT", "WORKER_PORT")}
        assert target["port"] in {int(port) for port in ports if port}
        assert scrape["job_name"] == f"onefold-{name}"
