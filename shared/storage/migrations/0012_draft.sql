-- Referrals that people are still writing, or changing.

CREATE TABLE draft (
  authority text NOT NULL CHECK (authority ~ '^[A-Z][0-9]{8}$'),
  referral_id text NOT NULL CHECK (referral_id ~ '^[A-Za-z0-9_-]{1,40}$'),
  content bytea NOT NULL,
  user_id text NOT NULL CHECK (user_id <> ''),
  user_name text NOT NULL CHECK (user_name <> ''),
  started_at timestamptz NOT NULL,
  changed_by text NOT NULL CHECK (changed_by <> ''),
  changed_at timestamptz NOT NULL,
  PRIMARY KEY (authority, referral_id)
);
COMMENT ON TABLE draft IS
  'Answers for a referral that was not sent yet, or for its next revision: one draft a referral, which the whole team may take up.';
COMMENT ON COLUMN draft.content IS 'The answers, encrypted with the installation''s key; empty before the first.';
COMMENT ON COLUMN draft.user_name IS 'Who began it, by the name they had then.';
CALL protect('draft');
GRANT SELECT, INSERT, UPDATE, DELETE ON draft TO oss_app;
CREATE INDEX draft_list ON draft (authority, changed_at DESC);
COMMENT ON INDEX draft_list IS 'The list of drafts, those changed last first.';
