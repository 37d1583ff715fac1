-- Acts that would bring an excluded setting in (C1 to C3), pursued as tasks.

CREATE TABLE condition (
  condition_id uuid PRIMARY KEY,
  authority text NOT NULL,
  referral_key bigint NOT NULL REFERENCES referral (key),
  offer_id uuid NOT NULL REFERENCES offer,
  act text NOT NULL CHECK (act ~ '^C[0-9]$'),
  opened_by text NOT NULL CHECK (opened_by <> ''),
  opened_at timestamptz NOT NULL,
  due_at timestamptz NOT NULL,
  outcome text CHECK (outcome IN ('met', 'not_met', 'not_needed')),
  recorded_by text CHECK (recorded_by <> ''),
  recorded_at timestamptz,
  words bytea NOT NULL,
  CONSTRAINT condition_record_is_whole CHECK (num_nulls(outcome, recorded_at) IN (0, 2)),
  CONSTRAINT condition_is_judged_by_a_person CHECK (
    outcome NOT IN ('met', 'not_met') OR recorded_by IS NOT NULL),
  CONSTRAINT condition_open_has_no_recorder CHECK (outcome IS NOT NULL OR recorded_by IS NULL)
);
COMMENT ON TABLE condition IS 'Acts that would bring a setting in, with who sees to them by when.';
COMMENT ON COLUMN condition.recorded_by IS 'Nobody where it ended with its referral or setting.';
COMMENT ON COLUMN condition.words IS
  'Who does what, why it ended and what shows it, encrypted with the referral''s key.';
CREATE INDEX condition_of_referral ON condition (referral_key);
COMMENT ON INDEX condition_of_referral IS 'The conditions of a referral, recorded ones too.';
CREATE UNIQUE INDEX condition_open_once ON condition (offer_id, act) WHERE outcome IS NULL;
COMMENT ON INDEX condition_open_once IS 'The same act is not seen to twice at once.';
CALL protect('condition');
GRANT SELECT, INSERT, UPDATE ON condition TO oss_app;

ALTER TABLE deadline DROP CONSTRAINT deadline_kind_check;
ALTER TABLE deadline ADD CONSTRAINT deadline_kind_check CHECK (
  kind IN ('respond_by', 'wave_ends', 'hold_expires', 'approval_due', 'condition_due',
    'consultation_due', 'outside_terms_ends', 'temporary_approval_reminder',
    'temporary_approval_ends', 'review_due'));
COMMENT ON COLUMN deadline.thing IS
  'The offer, hold, approval, condition or placement; a wave is its referral''s.';
CREATE UNIQUE INDEX deadline_of_condition_once ON deadline (thing)
  WHERE settled_at IS NULL AND kind = 'condition_due';
COMMENT ON INDEX deadline_of_condition_once IS 'A condition falls due once.';
