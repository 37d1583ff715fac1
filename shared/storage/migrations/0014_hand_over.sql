-- A referral that somebody was given says by whom.

ALTER TABLE allocation ADD COLUMN given_by text CHECK (given_by <> '');
COMMENT ON COLUMN allocation.given_by IS
  'The name of the colleague who handed it over; none where whoever has it took it.';
