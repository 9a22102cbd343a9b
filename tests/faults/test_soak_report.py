"""What a long run leaves behind."""

from tests.faults.soak import SIMULATOR, Played

PLAYED = [
    Played(5, "18", {"webhooks acknowledged": 1_040, "facts stored": 300}, {"kill": 3}),
    Played(6, "18", {"webhooks acknowledged": 50, "facts stored": 400}, {"kill": 4, "stop": 1}, ("I2: twice",)),
]


def test_a_run_is_told_with_its_sums_and_each_failed_seed_with_its_command() -> None:
    """Whoever reads it knows what was tried, how often, and how to see a failure again."""
    section = SIMULATOR.section("5:8", PLAYED, "2026-11-23")
    assert section.startswith("## Seeds 5:8, 2026-11-23\n")
    for line in (
        "| seeds played | 2 of 3 |",
        "| seeds failed | 1 |",
        "| webhooks acknowledged | 1,090 |",
        "| facts stored | 700 |",
        "| kill | 7 |",
        "| stop | 1 |",
        "Failed: `./test -m soak --seeds 6:7 tests/faults/test_simulator.py`",
        "- I2: twice",
    ):
        assert line in section.splitlines()
