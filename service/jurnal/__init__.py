"""The edge to Mekari Jurnal: what is sent, how it is signed, and what the answer means."""
