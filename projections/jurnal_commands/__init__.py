"""What to ask of Jurnal: commands decided from changes, and their way over the wire."""
