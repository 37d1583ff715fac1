-- Who may see what: the services' role, and the wall between authorities.

-- The services log in as oss_app, which owns nothing and cannot pass row-level security. Roles
-- belong to the whole server, so it may exist already, or be made by another database's migration
-- at this moment. Its password is not set here: see `access::set_app_password`.
DO $$
BEGIN
  CREATE ROLE oss_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
EXCEPTION
  WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;

GRANT USAGE ON SCHEMA public TO oss_app;

-- Lets nobody, the owner included, see rows of authorities that the connection does not serve.
-- A connection serves those in its setting oss.authorities; unset or '' is none. Rows that belong
-- to no authority (where the column allows it) are everybody's.
CREATE PROCEDURE protect(protected regclass) LANGUAGE plpgsql AS $$
DECLARE
  served CONSTANT text := 'authority IS NULL OR authority = ANY ('
    '(SELECT string_to_array(current_setting(''oss.authorities'', true), '',''))::text[])';
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', protected);
  EXECUTE format('CREATE POLICY served ON %s USING (%s) WITH CHECK (%s)', protected, served, served);
END
$$;
COMMENT ON PROCEDURE protect IS
  'Row-level security by authority; every table that has one is protected by it.';
