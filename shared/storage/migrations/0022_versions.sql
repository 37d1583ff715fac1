-- The contract puts no upper end to revisions and versions, and some senders number by the clock.
-- The type of the columns bounds them.

ALTER TABLE setting
  DROP CONSTRAINT setting_version_check,
  DROP CONSTRAINT setting_occupancy_version_check,
  ADD CONSTRAINT setting_version_check CHECK (version >= 0),
  ADD CONSTRAINT setting_occupancy_version_check CHECK (occupancy_version >= 0);
ALTER TABLE referral
  DROP CONSTRAINT referral_revision_check,
  ADD CONSTRAINT referral_revision_check CHECK (revision >= 0);
ALTER TABLE referral_revision
  DROP CONSTRAINT referral_revision_revision_check,
  ADD CONSTRAINT referral_revision_revision_check CHECK (revision >= 1);
