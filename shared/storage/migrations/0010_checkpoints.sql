-- Checkpoints of the audit: signed with a key that the database never sees, so that whoever may
-- rewrite all of it still cannot rewrite what a checkpoint covers.

CREATE TABLE audit_checkpoint (
  authority text NOT NULL CHECK (authority ~ '^[A-Z][0-9]{8}$'),
  number bigint NOT NULL CHECK (number > 0),
  at timestamptz NOT NULL,
  previous bytea NOT NULL CHECK (octet_length(previous) = 32),
  digest bytea NOT NULL CHECK (octet_length(digest) = 32),
  signature bytea NOT NULL CHECK (octet_length(signature) = 64),
  PRIMARY KEY (authority, number)
);
COMMENT ON TABLE audit_checkpoint IS
  'An authority''s checkpoints, each sealing the one before; see audit/checkpoint.rs.';
COMMENT ON COLUMN audit_checkpoint.previous IS 'The digest of the one before; zeros in the first.';
COMMENT ON COLUMN audit_checkpoint.digest IS 'SHA-256 over the checkpoint and its ends of chains.';
COMMENT ON COLUMN audit_checkpoint.signature IS 'Ed25519 over the digest.';
CREATE TRIGGER audit_checkpoint_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_checkpoint
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CALL protect('audit_checkpoint');
GRANT SELECT, INSERT ON audit_checkpoint TO oss_app;

CREATE TABLE audit_checkpoint_end (
  authority text NOT NULL,
  number bigint NOT NULL,
  referral_key bigint,
  seq bigint NOT NULL CHECK (seq > 0),
  hash bytea NOT NULL CHECK (octet_length(hash) = 32),
  FOREIGN KEY (authority, number) REFERENCES audit_checkpoint,
  CONSTRAINT audit_checkpoint_end_once UNIQUE NULLS NOT DISTINCT (authority, referral_key, seq)
);
COMMENT ON TABLE audit_checkpoint_end IS
  'Where the chains ended that had grown since the checkpoint before.';
CREATE INDEX audit_checkpoint_end_of ON audit_checkpoint_end (authority, number);
COMMENT ON INDEX audit_checkpoint_end_of IS 'The ends of a checkpoint, to make its digest again.';
CREATE TRIGGER audit_checkpoint_end_append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_checkpoint_end
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CALL protect('audit_checkpoint_end');
GRANT SELECT, INSERT ON audit_checkpoint_end TO oss_app;
