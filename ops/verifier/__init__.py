"""A stand-alone check of exported histories."""
