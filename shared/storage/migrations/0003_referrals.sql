-- Referrals, their revisions, and the runs that ranked settings for them.

CREATE TYPE urgency AS ENUM ('emergency', 'urgent', 'planned');
COMMENT ON TYPE urgency IS 'How soon a home is needed: sorts the most urgent first.';

-- Each value is the first of 64 keys, which a store then gives out by itself.
CREATE SEQUENCE referral_key INCREMENT BY 64;
COMMENT ON SEQUENCE referral_key IS 'Blocks of 64 keys of referrals.';
GRANT USAGE ON SEQUENCE referral_key TO oss_app;

CREATE TABLE referral (
  authority text NOT NULL CHECK (authority ~ '^[A-Z][0-9]{8}$'),
  referral_id text NOT NULL CHECK (referral_id ~ '^[A-Za-z0-9_-]{1,40}$'),
  key bigint NOT NULL,
  revision bigint NOT NULL CHECK (revision BETWEEN 0 AND 4294967295),
  content bytea NOT NULL CHECK (octet_length(content) = 32),
  state text NOT NULL CHECK (state IN ('received', 'ranked', 'unfilled', 'in_call_off', 'selected',
    'placed', 'withdrawn')),
  urgency urgency,
  received_at timestamptz NOT NULL,
  run_id uuid,
  run_revision bigint,
  run_digest bytea CHECK (octet_length(run_digest) = 16),
  evaluated_version bigint,
  data_key bytea,
  audit_seq bigint NOT NULL CHECK (audit_seq >= 0),
  audit_hash bytea NOT NULL CHECK (octet_length(audit_hash) = 32),
  PRIMARY KEY (authority, referral_id),
  CONSTRAINT referral_key_once UNIQUE (key),
  CONSTRAINT referral_run_is_whole CHECK (num_nulls(run_id, run_revision, run_digest) IN (0, 3)),
  CONSTRAINT referral_has_arrived CHECK (
    (revision = 0) = (urgency IS NULL) AND (revision > 0 OR state = 'withdrawn'))
) WITH (fillfactor = 70);
COMMENT ON TABLE referral IS
  'Where each referral stands. Rewritten with each run, hence room in its pages for that.';
COMMENT ON COLUMN referral.key IS 'The short name that runs, occupancies, offers and the audit know it by.';
COMMENT ON COLUMN referral.revision IS 'The highest seen; 0 where it was withdrawn before any arrived.';
COMMENT ON COLUMN referral.content IS 'SHA-256 of that revision''s content.';
COMMENT ON COLUMN referral.evaluated_version IS
  'The version of the supply that the current run is known to be right for.';
COMMENT ON COLUMN referral.data_key IS
  'The key of its narratives, wrapped by the installation''s: without it they are unreadable.';
COMMENT ON COLUMN referral.audit_seq IS 'The last line of its chain in the audit, with its hash.';
CREATE INDEX referral_open ON referral (authority, urgency, received_at)
  WHERE state IN ('received', 'ranked', 'unfilled', 'in_call_off');
COMMENT ON INDEX referral_open IS
  'Those a change of supply matters to, most urgent first. Without evaluated_version, so that a run of the same outcome touches no index.';
CREATE INDEX referral_list ON referral (authority, received_at, key);
COMMENT ON INDEX referral_list IS 'The list of referrals, page by page.';
CALL protect('referral');
GRANT SELECT, INSERT, UPDATE ON referral TO oss_app;

CREATE TABLE referral_revision (
  authority text NOT NULL,
  key bigint NOT NULL REFERENCES referral (key),
  revision bigint NOT NULL CHECK (revision BETWEEN 1 AND 4294967295),
  content bytea NOT NULL CHECK (octet_length(content) = 32),
  document jsonb NOT NULL,
  narrative bytea,
  received_at timestamptz NOT NULL,
  PRIMARY KEY (key, revision),
  CONSTRAINT referral_revision_keeps_narrative_apart CHECK (
    NOT document ?| ARRAY['title', 'wishes_and_feelings', 'reason', 'contact_plan'])
);
COMMENT ON TABLE referral_revision IS 'Each revision of a referral that was stored.';
COMMENT ON COLUMN referral_revision.document IS 'The contract''s form, without what is told in words.';
COMMENT ON COLUMN referral_revision.narrative IS 'What is told in words, encrypted with the referral''s key.';
CALL protect('referral_revision');
GRANT SELECT, INSERT ON referral_revision TO oss_app;

CREATE TABLE policy (
  sha256 bytea PRIMARY KEY CHECK (octet_length(sha256) = 32),
  id text NOT NULL,
  text text NOT NULL
);
COMMENT ON TABLE policy IS 'Each policy that a run used, word by word, so that the run can be replayed.';
GRANT SELECT, INSERT ON policy TO oss_app;

CREATE TABLE match_run (
  run_id uuid PRIMARY KEY,
  authority text NOT NULL,
  referral_key bigint NOT NULL,
  revision bigint NOT NULL,
  supply_version bigint NOT NULL,
  policy_sha256 bytea NOT NULL REFERENCES policy,
  engine text NOT NULL,
  gazetteer text NOT NULL,
  evaluated_at timestamptz NOT NULL,
  n_offers bigint NOT NULL CHECK (n_offers >= 0),
  digest bytea NOT NULL CHECK (octet_length(digest) = 16),
  record bytea NOT NULL,
  FOREIGN KEY (referral_key, revision) REFERENCES referral_revision (key, revision)
);
-- It is compressed already: no second try.
ALTER TABLE match_run ALTER COLUMN record SET STORAGE EXTERNAL;
COMMENT ON TABLE match_run IS
  'One evaluation of a referral over the whole supply: what it was made from, and all it found.';
COMMENT ON COLUMN match_run.gazetteer IS 'The edition of the postcodes that were used.';
COMMENT ON COLUMN match_run.record IS 'Every setting''s result, packed: see run_record.rs.';
CREATE INDEX match_run_of_referral ON match_run (referral_key, evaluated_at);
COMMENT ON INDEX match_run_of_referral IS 'The runs of a referral in order.';
CALL protect('match_run');
GRANT SELECT, INSERT ON match_run TO oss_app;

CREATE TABLE occupancy (
  hold_id uuid PRIMARY KEY,
  authority text NOT NULL,
  referral_key bigint NOT NULL REFERENCES referral (key),
  setting_key bigint NOT NULL REFERENCES setting (key),
  offer_id uuid NOT NULL,
  claim text NOT NULL CHECK (claim IN ('held', 'agreed', 'started')),
  placement_id uuid,
  places integer[] NOT NULL,
  occupants jsonb NOT NULL CHECK (jsonb_typeof(occupants) = 'array'),
  since timestamptz NOT NULL,
  until timestamptz,
  ended timestamptz,
  supply_from bigint NOT NULL,
  supply_until bigint,
  -- Equal where it came and went within one change: no version of the supply saw it.
  CONSTRAINT occupancy_ends_after_it_begins CHECK (supply_from <= supply_until),
  CONSTRAINT occupancy_end_is_whole CHECK ((ended IS NULL) = (supply_until IS NULL)),
  CONSTRAINT occupancy_placement_is_agreed CHECK ((claim = 'held') = (placement_id IS NULL))
);
COMMENT ON TABLE occupancy IS
  'Places of a setting that a referral''s group has, held, agreed or lived in, past ones too: parts of the supply.';
COMMENT ON COLUMN occupancy.occupants IS 'Each child that lives or would live there: {child_id, sex, age}.';
COMMENT ON COLUMN occupancy.until IS 'When a hold is released by itself.';
COMMENT ON COLUMN occupancy.supply_from IS 'The first version of the supply with it.';
COMMENT ON COLUMN occupancy.supply_until IS 'The first version of the supply without it; null while it lasts.';
CREATE UNIQUE INDEX occupancy_once ON occupancy (referral_key, setting_key) WHERE supply_until IS NULL;
COMMENT ON INDEX occupancy_once IS 'A referral has a setting''s places once at a time.';
CREATE INDEX occupancy_of_setting ON occupancy (setting_key) WHERE supply_until IS NULL;
COMMENT ON INDEX occupancy_of_setting IS 'Who has places in a setting now.';
CREATE INDEX occupancy_began ON occupancy (authority, supply_from);
COMMENT ON INDEX occupancy_began IS 'Those that began since a version of the supply.';
CREATE INDEX occupancy_ended ON occupancy (authority, supply_until) WHERE supply_until IS NOT NULL;
COMMENT ON INDEX occupancy_ended IS 'Those that ended since a version of the supply.';
CALL protect('occupancy');
GRANT SELECT, INSERT, UPDATE ON occupancy TO oss_app;

CREATE TABLE place_taken (
  setting_key bigint NOT NULL REFERENCES setting (key),
  place integer NOT NULL CHECK (place > 0),
  authority text NOT NULL,
  hold_id uuid NOT NULL REFERENCES occupancy,
  CONSTRAINT place_taken_once PRIMARY KEY (setting_key, place)
);
COMMENT ON TABLE place_taken IS 'Each place that is taken now: it cannot be given twice.';
CREATE INDEX place_taken_by ON place_taken (hold_id);
COMMENT ON INDEX place_taken_by IS 'The places of an occupancy, to free them.';
CALL protect('place_taken');
GRANT SELECT, INSERT, DELETE ON place_taken TO oss_app;
