CREATE TABLE virtual_clock AS SELECT clock_timestamp() AS now
