"""iSeller Pay money on its way: taken by iSeller, not yet paid out."""
