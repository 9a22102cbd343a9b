"""Settings as they stand, for whoever acts on them outside a fold."""
