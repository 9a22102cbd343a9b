"""What the appender remembers of what it wrote."""

from eventstore.recent import Recent


def test_what_was_remembered_last_is_found_and_the_oldest_is_forgotten() -> None:
    """Memory stays bounded however much is written."""
    recent: Recent[int] = Recent(10)
    for number in range(100):
        recent.remember({f"k{number}": number})
        assert recent.among([f"k{number}", "unknown"]) == {f"k{number}": number}
        assert len(recent) <= 11
    assert "k99" in recent
    assert "k80" not in recent


def test_what_is_written_again_stays_with_its_latest_value() -> None:
    """A stream that is written all the time is never forgotten, however old it is."""
    recent: Recent[int] = Recent(10)
    for number in range(100):
        recent.remember({"settings": number, f"k{number}": number})
        assert recent.among(["settings"]) == {"settings": number}
    recent.forget()
    assert "settings" not in recent
