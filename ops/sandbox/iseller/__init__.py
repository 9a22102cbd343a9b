"""A fake of the iSeller point of sale: OAuth, reads and signed webhooks over the demo's shop."""
