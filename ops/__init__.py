"""How jurnalsync is run, shown and decided; nothing that ships imports from here."""
