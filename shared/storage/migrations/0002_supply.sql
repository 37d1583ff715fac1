-- The registers of settings, with every state they have been in.

CREATE TABLE register (
  authority text PRIMARY KEY CHECK (authority ~ '^[A-Z][0-9]{8}$'),
  supply_version bigint NOT NULL DEFAULT 0 CHECK (supply_version >= 0)
);
COMMENT ON TABLE register IS
  'An authority''s supply: locking its row puts the changes of settings and holds in one order.';
COMMENT ON COLUMN register.supply_version IS
  'How many changes there were. Given under the lock, so in the order of commit.';
CALL protect('register');
GRANT SELECT, INSERT, UPDATE ON register TO oss_app;

-- Each value is the first of 64 keys, which a store then gives out by itself.
CREATE SEQUENCE setting_key INCREMENT BY 64;
COMMENT ON SEQUENCE setting_key IS 'Blocks of 64 keys of settings.';
GRANT USAGE ON SEQUENCE setting_key TO oss_app;

CREATE TABLE setting (
  authority text NOT NULL REFERENCES register,
  setting_id text NOT NULL CHECK (setting_id ~ '^[A-Za-z0-9_-]{1,40}$'),
  key bigint NOT NULL,
  version bigint NOT NULL CHECK (version BETWEEN 0 AND 4294967295),
  occupancy_version bigint NOT NULL CHECK (occupancy_version BETWEEN 0 AND 4294967295),
  open boolean NOT NULL,
  document jsonb,
  supply_version bigint NOT NULL CHECK (supply_version > 0),
  PRIMARY KEY (authority, setting_id),
  CONSTRAINT setting_key_once UNIQUE (key),
  CONSTRAINT setting_open_has_document CHECK (document IS NOT NULL OR NOT open)
);
COMMENT ON TABLE setting IS 'Where each entry of a register stands.';
COMMENT ON COLUMN setting.key IS 'The short name that occupancies and offers know the setting by.';
COMMENT ON COLUMN setting.document IS
  'The entry in the contract''s form, its newest occupancy merged in; null if it closed before it opened.';
COMMENT ON COLUMN setting.supply_version IS 'The version of the supply that last changed it.';
CREATE INDEX setting_changed ON setting (authority, supply_version);
COMMENT ON INDEX setting_changed IS 'What has changed since a version: the matcher''s index follows it.';
CALL protect('setting');
GRANT SELECT, INSERT, UPDATE ON setting TO oss_app;

CREATE TABLE setting_version (
  authority text NOT NULL,
  key bigint NOT NULL REFERENCES setting (key),
  supply_from bigint NOT NULL,
  supply_until bigint,
  at timestamptz NOT NULL,
  document jsonb,
  PRIMARY KEY (key, supply_from),
  CONSTRAINT setting_version_ends_after_it_begins CHECK (supply_from < supply_until)
);
COMMENT ON TABLE setting_version IS
  'Each state a setting has been in, so that the supply of any past run can be rebuilt.';
COMMENT ON COLUMN setting_version.supply_from IS 'The first version of the supply with this state.';
COMMENT ON COLUMN setting_version.supply_until IS
  'The first version of the supply without this state; null while it lasts.';
COMMENT ON COLUMN setting_version.document IS 'The entry; null while it is not in supply.';
CREATE UNIQUE INDEX setting_version_current ON setting_version (key) WHERE supply_until IS NULL;
COMMENT ON INDEX setting_version_current IS 'A setting is in one state at a time.';
CREATE INDEX setting_version_by_supply ON setting_version (authority, supply_from);
COMMENT ON INDEX setting_version_by_supply IS 'The whole supply at a version.';
CALL protect('setting_version');
GRANT SELECT, INSERT, UPDATE (supply_until) ON setting_version TO oss_app;
