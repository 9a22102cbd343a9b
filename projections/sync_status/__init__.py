"""The Accounting Sync list: what happened to each business document."""
