-- Format 5: the same for attempts that came after acceptance, which is every message to a system that does not recognise
-- retransmissions (late responses, trace).

DROP INDEX attempt_leg;
CREATE INDEX attempt_leg ON attempt (number >> 13, leg);
