-- Who did what, when and why: only ever added to, and each line seals the one before.

CREATE TABLE audit (
  authority text NOT NULL,
  referral_key bigint,
  seq bigint NOT NULL CHECK (seq > 0),
  at timestamptz NOT NULL,
  actor_kind text NOT NULL CHECK (actor_kind IN ('person', 'producer', 'service')),
  actor text NOT NULL,
  act text NOT NULL,
  thing text NOT NULL,
  reason text,
  previous_hash bytea NOT NULL CHECK (octet_length(previous_hash) = 32),
  hash bytea NOT NULL CHECK (octet_length(hash) = 32),
  CONSTRAINT audit_line_once UNIQUE NULLS NOT DISTINCT (authority, referral_key, seq)
);
COMMENT ON TABLE audit IS
  'One chain of lines for each referral, and one for each authority''s other acts; see audit.rs.';
COMMENT ON COLUMN audit.seq IS 'The place in the chain, from 1.';
COMMENT ON COLUMN audit.hash IS 'SHA-256 over the line with the hash of the one before.';

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'lines of % are never changed', TG_TABLE_NAME
    USING ERRCODE = 'integrity_constraint_violation';
END
$$;
COMMENT ON FUNCTION refuse_change IS 'Holds a table append-only, also against its owner.';
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CALL protect('audit');
GRANT SELECT, INSERT ON audit TO oss_app;

CREATE TABLE audit_chain (
  authority text PRIMARY KEY,
  seq bigint NOT NULL,
  hash bytea NOT NULL CHECK (octet_length(hash) = 32)
);
COMMENT ON TABLE audit_chain IS
  'Where the chain of an authority''s own acts ends; a referral''s chain ends in its row.';
CALL protect('audit_chain');
GRANT SELECT, INSERT, UPDATE ON audit_chain TO oss_app;
