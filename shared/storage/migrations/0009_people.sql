-- People who sign in, and their sessions. No password is kept here, and no token.

CREATE TABLE person (
  user_id uuid PRIMARY KEY,
  authority text NOT NULL CHECK (authority ~ '^[A-Z][0-9]{8}$'),
  issuer text NOT NULL CHECK (length(issuer) BETWEEN 1 AND 2048),
  subject text NOT NULL CHECK (length(subject) BETWEEN 1 AND 255),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  provider text CHECK (provider ~ '^[A-Za-z0-9_-]{1,40}$'),
  roles text[] NOT NULL CHECK (roles <@ ARRAY['social_worker', 'commissioner', 'manager',
    'director', 'provider', 'auditor', 'operator']),
  created_at timestamptz NOT NULL,
  signed_in_at timestamptz NOT NULL,
  disabled_at timestamptz,
  CONSTRAINT person_identity_once UNIQUE (issuer, subject)
);
COMMENT ON TABLE person IS
  'Somebody who has signed in, known by who vouched for them and under which name, never by e-mail.';
COMMENT ON COLUMN person.issuer IS 'The identity provider, as its tokens name it.';
COMMENT ON COLUMN person.subject IS 'The person''s lasting id at that provider.';
COMMENT ON COLUMN person.provider IS 'The provider that the person works for, if any: set by us.';
COMMENT ON COLUMN person.roles IS 'As the identity provider said at the last sign-in.';
COMMENT ON COLUMN person.disabled_at IS 'Since then they may not sign in, whatever the provider says.';
CREATE INDEX person_list ON person (authority, user_id);
COMMENT ON INDEX person_list IS 'The list of people, page by page.';
CALL protect('person');
GRANT SELECT, INSERT, UPDATE ON person TO oss_app;

CREATE TABLE session (
  token_sha256 bytea PRIMARY KEY CHECK (octet_length(token_sha256) = 32),
  session_id uuid NOT NULL,
  authority text NOT NULL,
  user_id uuid NOT NULL REFERENCES person,
  started_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  CONSTRAINT session_once UNIQUE (session_id)
);
COMMENT ON TABLE session IS 'Sessions that were not ended; the token itself only the browser has.';
COMMENT ON COLUMN session.seen_at IS 'When the person last asked for something, to the minute.';
CREATE INDEX session_of ON session (user_id);
COMMENT ON INDEX session_of IS 'The sessions of a person, to end them all.';
CREATE INDEX session_age ON session (seen_at);
COMMENT ON INDEX session_age IS 'Those that are over, to be deleted.';
CALL protect('session');
GRANT SELECT, INSERT, UPDATE (seen_at), DELETE ON session TO oss_app;

CREATE TABLE sign_in_attempt (
  token_sha256 bytea PRIMARY KEY CHECK (octet_length(token_sha256) = 32),
  state text NOT NULL,
  nonce text NOT NULL,
  verifier text NOT NULL,
  return_to text NOT NULL CHECK (length(return_to) <= 2048),
  started_at timestamptz NOT NULL
);
COMMENT ON TABLE sign_in_attempt IS
  'Browsers that were sent to the identity provider and have not come back: used once, for ten minutes.';
CREATE INDEX sign_in_attempt_age ON sign_in_attempt (started_at);
COMMENT ON INDEX sign_in_attempt_age IS 'Those that are over, to be deleted.';
GRANT SELECT, INSERT, DELETE ON sign_in_attempt TO oss_app;
