-- From offer to placement: what was acted on, decided, permitted, and what falls due.

-- All of it changes under the lock of its authority's register, and goes back to an offer: a
-- referral without a row in `offer` has none in the other tables.

CREATE TABLE offer (
  offer_id uuid PRIMARY KEY,
  authority text NOT NULL,
  referral_key bigint NOT NULL REFERENCES referral (key),
  setting_key bigint NOT NULL REFERENCES setting (key),
  provider_id text NOT NULL,
  kind text NOT NULL,
  sourcing text NOT NULL,
  state text NOT NULL CHECK (state IN ('proposed', 'approached', 'accepted', 'declined', 'expired',
    'withdrawn', 'selected', 'not_selected')),
  reference text NOT NULL,
  run_id uuid REFERENCES match_run,
  approached_at timestamptz,
  approached_by text CHECK (approached_by <> ''),
  respond_by timestamptz,
  wave integer NOT NULL CHECK (wave >= 0),
  answered_at timestamptz,
  weekly_cost bigint CHECK (weekly_cost BETWEEN 0 AND 4294967295),
  available_from date,
  decline_reason text,
  words bytea,
  CONSTRAINT offer_of_pair_once UNIQUE (referral_key, setting_key),
  CONSTRAINT offer_approach_has_a_person CHECK (
    num_nulls(approached_at, approached_by, respond_by) IN (0, 3)),
  CONSTRAINT offer_answer_follows_approach CHECK (
    (state NOT IN ('approached', 'accepted', 'declined', 'expired') OR approached_at IS NOT NULL)
    AND (state NOT IN ('accepted', 'declined') OR answered_at IS NOT NULL))
);
COMMENT ON TABLE offer IS
  'Offers that were acted on: approached, answered, held, selected. One only ranked has no row.';
COMMENT ON COLUMN offer.reference IS 'The provider''s own reference for the referral.';
COMMENT ON COLUMN offer.wave IS 'The wave it was asked in, from 1; 0 where it was asked by itself.';
COMMENT ON COLUMN offer.words IS 'The last answer''s statement, encrypted with the referral''s key.';
CREATE UNIQUE INDEX offer_selected_once ON offer (referral_key) WHERE state = 'selected';
COMMENT ON INDEX offer_selected_once IS 'A referral has one offer that was decided for.';
CREATE INDEX offer_open_of_setting ON offer (setting_key)
  WHERE state IN ('proposed', 'approached', 'accepted');
COMMENT ON INDEX offer_open_of_setting IS 'What is taken back when a setting closes.';
CALL protect('offer');
GRANT SELECT, INSERT, UPDATE ON offer TO oss_app;

CREATE TABLE placement (
  placement_id uuid PRIMARY KEY,
  authority text NOT NULL,
  referral_key bigint NOT NULL REFERENCES referral (key),
  offer_id uuid NOT NULL REFERENCES offer,
  setting_key bigint NOT NULL REFERENCES setting (key),
  provider_id text NOT NULL,
  hold_id uuid NOT NULL REFERENCES occupancy,
  state text NOT NULL CHECK (state IN ('agreed', 'started', 'ended', 'cancelled')),
  decided_by text NOT NULL CONSTRAINT placement_decided_by_a_person CHECK (decided_by <> ''),
  decided_at timestamptz NOT NULL,
  run_id uuid NOT NULL REFERENCES match_run,
  weekly_cost bigint NOT NULL CHECK (weekly_cost BETWEEN 0 AND 4294967295),
  starts_on date NOT NULL,
  place text NOT NULL,
  place_provider text,
  pl_location text NOT NULL,
  pl_distance integer CHECK (pl_distance BETWEEN 0 AND 65535),
  temporary_until date,
  temporary_extended boolean NOT NULL,
  ended_on date,
  end_reason text,
  end_planned boolean,
  words bytea NOT NULL,
  CONSTRAINT placement_ending_is_whole CHECK (
    num_nulls(ended_on, end_reason, end_planned) IN (0, 3)
    AND (state = 'ended') = (ended_on IS NOT NULL)),
  CONSTRAINT placement_ends_after_it_starts CHECK (ended_on >= starts_on)
);
COMMENT ON TABLE placement IS
  'What a person decided, and how far it has come: the facts of the individual placement agreement.';
COMMENT ON COLUMN placement.run_id IS 'The run that the person saw.';
COMMENT ON COLUMN placement.weekly_cost IS 'In pence.';
COMMENT ON COLUMN placement.place IS 'SSDA903 PLACE; the three below likewise.';
COMMENT ON COLUMN placement.pl_distance IS 'In tenths of a mile.';
COMMENT ON COLUMN placement.temporary_until IS
  'Until when a connected person''s temporary approval lasts (reg 24).';
COMMENT ON COLUMN placement.words IS
  'Why, and why not the first of the list, encrypted with the referral''s key.';
CREATE UNIQUE INDEX placement_live_once ON placement (referral_key)
  WHERE state IN ('agreed', 'started');
COMMENT ON INDEX placement_live_once IS 'A referral has one decision that counts at a time.';
CREATE INDEX placement_of_referral ON placement (referral_key);
COMMENT ON INDEX placement_of_referral IS 'The placements of a referral, called-off ones too.';
CALL protect('placement');
GRANT SELECT, INSERT, UPDATE ON placement TO oss_app;

CREATE TABLE approval (
  approval_id uuid PRIMARY KEY,
  authority text NOT NULL,
  referral_key bigint NOT NULL REFERENCES referral (key),
  placement_id uuid NOT NULL REFERENCES placement,
  code text NOT NULL CHECK (code ~ '^A[0-9]{2}$'),
  approver text NOT NULL,
  requested_at timestamptz NOT NULL,
  due_at timestamptz NOT NULL,
  blocks_start boolean NOT NULL,
  granted boolean,
  recorded_by text CHECK (recorded_by <> ''),
  recorded_at timestamptz,
  confirmed text[] NOT NULL,
  words bytea,
  cancelled boolean NOT NULL,
  CONSTRAINT approval_asked_once UNIQUE (placement_id, code),
  CONSTRAINT approval_record_is_whole CHECK (
    num_nulls(granted, recorded_by, recorded_at, words) IN (0, 4)),
  CONSTRAINT approval_is_recorded_or_off CHECK (NOT cancelled OR granted IS NULL)
);
COMMENT ON TABLE approval IS 'Permissions that a named role records for a placement.';
COMMENT ON COLUMN approval.approver IS 'Who records it, in the policy''s words.';
COMMENT ON COLUMN approval.confirmed IS 'What the regulation asks for and the person confirmed.';
COMMENT ON COLUMN approval.words IS 'What the person noted, encrypted with the referral''s key.';
CREATE INDEX approval_of_referral ON approval (referral_key);
COMMENT ON INDEX approval_of_referral IS 'The approvals of a referral.';
CREATE INDEX approval_waiting ON approval (authority, due_at, approval_id)
  WHERE granted IS NULL AND NOT cancelled;
COMMENT ON INDEX approval_waiting IS 'The tasks of those who record approvals, the next due first.';
CALL protect('approval');
GRANT SELECT, INSERT, UPDATE ON approval TO oss_app;

CREATE TABLE deadline (
  deadline_id uuid PRIMARY KEY,
  authority text NOT NULL,
  referral_key bigint NOT NULL REFERENCES referral (key),
  kind text NOT NULL CHECK (kind IN ('respond_by', 'wave_ends', 'hold_expires', 'approval_due',
    'consultation_due', 'outside_terms_ends', 'temporary_approval_reminder',
    'temporary_approval_ends', 'review_due')),
  thing uuid,
  due_at timestamptz NOT NULL,
  settled_at timestamptz,
  CONSTRAINT deadline_is_about_something CHECK ((kind = 'wave_ends') = (thing IS NULL))
);
COMMENT ON TABLE deadline IS
  'What falls due: acted on exactly once, after any restart, whatever the clock does.';
COMMENT ON COLUMN deadline.thing IS 'The offer, hold, approval or placement; a wave is its referral''s.';
COMMENT ON COLUMN deadline.settled_at IS 'When it was acted on, or no longer mattered.';
CREATE INDEX deadline_due ON deadline (due_at) WHERE settled_at IS NULL;
COMMENT ON INDEX deadline_due IS 'What is due: the scheduler''s question, several times a second.';
CREATE INDEX deadline_open_of_referral ON deadline (referral_key) WHERE settled_at IS NULL;
COMMENT ON INDEX deadline_open_of_referral IS 'What is still to fall due for a referral.';
CREATE UNIQUE INDEX deadline_open_once ON deadline (referral_key, kind, thing) NULLS NOT DISTINCT
  WHERE settled_at IS NULL AND kind IN ('respond_by', 'wave_ends', 'hold_expires', 'approval_due',
    'consultation_due', 'outside_terms_ends', 'temporary_approval_ends');
COMMENT ON INDEX deadline_open_once IS
  'Nothing waits for two ends at once. Reminders and reviews come in series, so they may.';
CALL protect('deadline');
GRANT SELECT, INSERT, UPDATE ON deadline TO oss_app;

CREATE TABLE child_taken (
  authority text NOT NULL,
  child_id text NOT NULL,
  hold_id uuid NOT NULL REFERENCES occupancy,
  CONSTRAINT child_taken_once PRIMARY KEY (authority, child_id)
);
COMMENT ON TABLE child_taken IS
  'Each child that a place is taken for now: no child has places in two settings.';
CREATE INDEX child_taken_by ON child_taken (hold_id);
COMMENT ON INDEX child_taken_by IS 'The children of an occupancy, to let them go.';
CALL protect('child_taken');
GRANT SELECT, INSERT, DELETE ON child_taken TO oss_app;

-- A person's words about a child go where only the referral's key opens them.
ALTER TABLE audit ADD COLUMN words bytea;
ALTER TABLE audit ADD CONSTRAINT audit_reason_of_a_child_is_sealed CHECK (
  referral_key IS NULL OR reason IS NULL);
COMMENT ON COLUMN audit.words IS
  'The reason of a line about a referral, encrypted with its key. The hash covers it as stored.';
COMMENT ON COLUMN audit.reason IS 'The reason of any other line.';
