-- Format 5: the same for attempts that came after acceptance, which is every message to a system that does not recognise
-- retransmissions; and parts of 1,024 operations, which are six or seven pages: so few are written for a group of a dozen
-- operations too (late responses, trace).

DROP INDEX operation_leg;
CREATE INDEX operation_leg ON operation (number >> 10, leg) WHERE leg IS NOT NULL;
DROP INDEX attempt_leg;
CREATE INDEX attempt_leg ON attempt (number >> 10, leg);
