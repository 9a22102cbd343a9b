"""The world around the service, for the demo and the tests: Postgres, Jurnal and iSeller on this machine."""
