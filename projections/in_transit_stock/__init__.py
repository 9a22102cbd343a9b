"""Goods that left one outlet and have not arrived at the other."""
