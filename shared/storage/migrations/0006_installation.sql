-- What there is one of in an installation.

CREATE TABLE installation (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  secret bytea NOT NULL CHECK (octet_length(secret) = 16),
  key_check bytea NOT NULL
);
COMMENT ON TABLE installation IS 'What was drawn when the installation was made: one row.';
COMMENT ON COLUMN installation.secret IS 'Makes offers'' ids from the pairs they name. Never changes.';
COMMENT ON COLUMN installation.key_check IS
  'Known bytes under the installation''s key: a wrong key is found before anything is written with it.';
GRANT SELECT ON installation TO oss_app;

CREATE TABLE postcode_edition (
  edition text PRIMARY KEY,
  pack bytea NOT NULL,
  installed_at timestamptz NOT NULL
);
ALTER TABLE postcode_edition ALTER COLUMN pack SET STORAGE EXTERNAL;
COMMENT ON TABLE postcode_edition IS
  'Postcodes that were imported; the newest is in use, older ones replay older runs.';
GRANT SELECT, INSERT ON postcode_edition TO oss_app;

-- The services see for themselves whether the schema is the one they were built for.
DO $$
BEGIN
  IF to_regclass('_sqlx_migrations') IS NOT NULL THEN
    GRANT SELECT ON _sqlx_migrations TO oss_app;
  END IF;
END
$$;
