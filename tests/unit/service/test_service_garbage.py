"""The collector of reference cycles while the service is open."""

import gc

from service.garbage import NEW_OBJECTS_MAX, settled


def test_what_lives_as_long_as_the_service_is_set_aside_and_taken_back() -> None:
    """Frozen and rare inside, as before outside."""
    before = (gc.get_threshold(), gc.get_freeze_count())
    with settled():
        assert gc.get_threshold()[0] == NEW_OBJECTS_MAX
        assert gc.get_freeze_count() > before[1]
    assert (gc.get_threshold(), gc.get_freeze_count()) == before
