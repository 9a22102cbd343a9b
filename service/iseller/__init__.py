"""The edge to iSeller: signed webhooks and polled reads come in, and are appended as they were observed."""
