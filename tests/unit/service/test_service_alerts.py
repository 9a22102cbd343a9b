"""Alerts, runbooks and dashboards speak of metrics that exist, and of each other."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from service.settings import settings_table
from service.telemetry.logs import LogEvent
from service.telemetry.metrics import Metrics

OPS = Path(__file__).parents[3] / "ops"
ALERTS = sorted((OPS / "prometheus").glob("*.yaml"))
DASHBOARDS = sorted((OPS / "grafana").glob("*.json"))
RUNBOOKS = sorted((OPS / "runbooks").glob("*.md"))
CASES = sorted((Path(__file__).parent / "alert_cases").glob("*.yaml"))
FAMILIES = {family.name: family for family in Metrics("1").registry.collect()}
METRICS = set(FAMILIES)
OF_STORES = {
    "jurnalsync_paused_seconds",
    "jurnalsync_clearing_oldest_unsettled_seconds",
    "jurnalsync_clearing_overdue_stores",
}


def named_in(text: str) -> set[str]:
    """Return the families of all our metrics that a text names."""
    return {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in re.findall(r"\bjurnalsync_\w+", text)}


@pytest.mark.parametrize("path", [*ALERTS, *DASHBOARDS, *RUNBOOKS], ids=lambda path: path.name)
def test_alerts_dashboards_and_runbooks_name_metrics_that_exist(path: Path) -> None:
    """A misspelt metric never fires and draws an empty panel."""
    named = named_in(path.read_text(encoding="utf-8"))
    assert named
    assert named - METRICS == set()


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.name)
def test_a_runbook_names_settings_and_log_events_that_exist(path: Path) -> None:
    """What is looked for in vain at night is looked for long."""
    text = path.read_text(encoding="utf-8")
    assert set(re.findall(r"\bJURNALSYNC_[A-Z_]+\b", text)) <= set(re.findall(r"\bJURNALSYNC_\w+", settings_table()))
    events = set(re.findall(r"[Ll]og(?:s|'s)?\b[^.`]*`([a-z_]+)`", text))
    assert events <= set(LogEvent)


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.name)
def test_a_runbook_tells_what_to_do_and_when_it_is_over(path: Path) -> None:
    """Numbered steps, then the figure that says that nobody need stay awake."""
    text = path.read_text(encoding="utf-8")
    steps, over, end = text.partition("\n**Over when** ")
    assert (over, re.findall(r"^(\d)\. ", steps, re.MULTILINE)[:2]) == ("\n**Over when** ", ["1", "2"])
    assert "`jurnalsync" in end


@pytest.mark.parametrize("path", [*ALERTS, *DASHBOARDS], ids=lambda path: path.name)
def test_alerts_and_dashboards_ask_for_labels_that_exist(path: Path) -> None:
    """A label or a value that no series has matches nothing, and is as silent as a misspelt metric."""
    text = path.read_text(encoding="utf-8").replace('\\"', '"')
    for name, matchers in re.findall(r"\b(jurnalsync_\w+)\{([^}]*)\}", text):
        (family,) = named_in(name)
        for label, values in re.findall(r'(\w+)=~?"([^"]*)"', matchers):
            known = {sample.labels[label] for sample in FAMILIES[family].samples if label in sample.labels}
            assert set(values.split("|")) <= known, f"{name} has no {label} of {values}"
    for labels, name in re.findall(r"\bby \(([\w, ]+)\) \((?:\w+\()*(jurnalsync_\w+)", text):
        (family,) = named_in(name)
        known = {label for sample in FAMILIES[family].samples for label in sample.labels}
        assert set(labels.split(", ")) <= known, f"{name} is not told by {labels}"


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    """What no case makes fire may never fire; what no case keeps silent may always."""
    alerts = re.findall(r"- alert: (\w+)", "".join(path.read_text(encoding="utf-8") for path in ALERTS))
    looks = "".join(path.read_text(encoding="utf-8") for path in CASES).split("- expr: ")[1:]
    told = {(look.partition('alertname="')[2].partition('"')[0], "exp_samples" in look) for look in looks}
    assert told == {(alert, fires) for alert in alerts for fires in (True, False)}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (apt-get install prometheus)")
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should_and_not_before(path: Path) -> None:
    """Prometheus' own evaluation of the rules over made-up series."""
    tried = subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True, check=False)  # noqa: S607
    assert tried.returncode == 0, tried.stdout + tried.stderr


def test_every_alert_has_its_runbook_and_every_runbook_its_alert() -> None:
    """Whoever is woken finds what to do, under the alert's own name."""
    text = "".join(path.read_text(encoding="utf-8") for path in ALERTS)
    alerts = re.findall(r"- alert: (\w+)", text)
    runbooks = re.findall(r"runbook: (\S+)", text)
    assert len(alerts) == len(runbooks) == len(set(runbooks))
    assert {OPS.parent / path for path in runbooks} == set(RUNBOOKS)
    for alert, runbook in zip(alerts, runbooks, strict=True):
        assert (OPS.parent / runbook).read_text(encoding="utf-8").startswith(f"# {alert}\n")


def test_dashboards_are_readable_and_show_what_alerts_watch() -> None:
    """The figure behind an alert is looked at before anything else."""
    shown: set[str] = set()
    for path in DASHBOARDS:
        panels = json.loads(path.read_text(encoding="utf-8"))["panels"]
        assert len({panel["id"] for panel in panels}) == len(panels)
        shown |= named_in(json.dumps(panels))
    watched = named_in("".join(path.read_text(encoding="utf-8") for path in ALERTS))
    assert watched | OF_STORES <= shown


def test_money_that_iseller_keeps_beyond_the_settlement_period_raises_an_alert() -> None:
    """On the figure that counts stores by their own settlement days; the runbook names the way to enter a payout."""
    (text,) = (path.read_text(encoding="utf-8") for path in ALERTS if "ClearingOverdue" in path.read_text("utf-8"))
    rule = text.partition("- alert: JurnalsyncClearingOverdue\n")[2].partition("- alert:")[0]
    assert "expr: max(jurnalsync_clearing_overdue_stores) > 0" in rule
    assert "jurnalsync payouts import" in (OPS / "runbooks" / "clearing_overdue.md").read_text(encoding="utf-8")
