"""The JSON API and the probes. It reads through callables that wiring hands over; it knows no database."""
