"""One plain run for all tests of a process that compare theirs with it."""

import pytest

from tests.acceptance.demonstration import Ended, run_demo


@pytest.fixture(scope="session")
def plain_run() -> Ended:
    """Give a run in which nothing goes wrong and webhooks tell everything."""
    return run_demo()
