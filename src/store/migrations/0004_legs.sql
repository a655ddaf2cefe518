-- Format 4: transIDs of legs are drawn, so that each of them went to another page of its index: a page of the log for
-- each operation. Now those of 8,192 operations in a row stand together, on some fifty pages, and whoever looks for one
-- looks once into each such part (late responses, trace).

DROP INDEX operation_leg;
CREATE INDEX operation_leg ON operation (number >> 13, leg) WHERE leg IS NOT NULL;
