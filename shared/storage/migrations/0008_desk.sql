-- What the desk keeps beside the cases: who works on which.

CREATE TABLE allocation (
  referral_key bigint PRIMARY KEY REFERENCES referral (key),
  authority text NOT NULL,
  user_id text NOT NULL CHECK (user_id <> ''),
  user_name text NOT NULL CHECK (user_name <> ''),
  since timestamptz NOT NULL
);
COMMENT ON TABLE allocation IS
  'Who has taken a referral: one person at a time, so that two never work one case unknowingly.';
COMMENT ON COLUMN allocation.user_name IS 'The name as it was when they took it.';
CALL protect('allocation');
GRANT SELECT, INSERT, UPDATE, DELETE ON allocation TO oss_app;
CREATE INDEX allocation_of_user ON allocation (user_id);
COMMENT ON INDEX allocation_of_user IS 'Somebody''s own cases.';

CREATE INDEX referral_queue ON referral (authority, urgency, received_at)
  WHERE state IN ('received', 'ranked', 'unfilled', 'in_call_off', 'selected');
COMMENT ON INDEX referral_queue IS
  'Those that somebody has work with: the queue, however many referrals are past.';
