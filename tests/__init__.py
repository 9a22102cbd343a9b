"""Tests: unit, property, integration, faults, acceptance, migrations."""
