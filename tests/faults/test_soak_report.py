"""What a long run leaves behind."""

from tests.faults import sim_soak
from tests.faults.sim_soak import Simulated
from tests.faults.soak import Played, as_section

PLAYED = [
    Played(5, "18", 40, 2, 300, {"backend killed": 3}),
    Played(6, "18", 50, 1, 400, {"backend killed": 4, "head held": 1}, ("a fact was lost",)),
]


def test_a_run_is_told_with_its_sums_and_each_failed_seed_with_its_command() -> None:
    """Whoever reads it knows what was tried, how often, and how to see a failure again."""
    section = as_section("5:8", PLAYED, "2026-11-23")
    assert section.startswith("## Seeds 5:8, 2026-11-23\n")
    for line in (
        "| seeds played | 2 of 3 |",
        "| seeds failed | 1 |",
        "| appends acknowledged | 90 |",
        "| appends never answered | 3 |",
        "| facts stored | 700 |",
        "| backend killed | 7 |",
        "| head held | 1 |",
        "Failed: `./test -m soak --seeds 6:7 tests/faults`",
        "- a fact was lost",
    ):
        assert line in section.splitlines()


def test_a_run_of_the_simulator_is_told_with_its_sums() -> None:
    """What was tried and what failed stands beside the runs before it."""
    played = [
        Simulated(5, "18", acknowledged=9, documents=20, facts=80, calls=40, injected={"kill": 2}),
        Simulated(6, "18", acknowledged=8, documents=10, facts=70, calls=30, wrong=("I2: twice",)),
    ]
    section = sim_soak.as_section("5:8", played, "2026-11-23")
    for line in (
        "| seeds played | 2 of 3 |",
        "| seeds failed | 1 |",
        "| webhooks acknowledged | 17 |",
        "| requests to Jurnal | 70 |",
        "| documents made in Jurnal | 30 |",
        "| facts stored | 150 |",
        "| kill | 2 |",
        "Failed: `./test -m soak --seeds 6:7 tests/faults/test_simulator.py`",
        "- I2: twice",
    ):
        assert line in section.splitlines()
