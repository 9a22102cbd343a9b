"""Processes in virtual time: event loop, clocks, databases, wires. Knows nothing of what runs in them."""
