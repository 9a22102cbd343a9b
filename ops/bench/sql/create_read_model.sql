CREATE TABLE read_model (stream text NOT NULL PRIMARY KEY, version integer NOT NULL, reference text NOT NULL)
