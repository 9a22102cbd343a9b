"""What a report means against what was known before: pure, never stored."""
