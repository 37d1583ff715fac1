-- Figures of a time read the rows of that time from one index each, however much is past.

-- What is asked of every council's rows here, not of one's.
ALTER TABLE referral NO FORCE ROW LEVEL SECURITY;
ALTER TABLE offer NO FORCE ROW LEVEL SECURITY;
ALTER TABLE placement NO FORCE ROW LEVEL SECURITY;
ALTER TABLE occupancy NO FORCE ROW LEVEL SECURITY;

-- These never change once they are written, so that they can stand in two places.
ALTER TABLE offer ADD COLUMN received_at timestamptz;
UPDATE offer SET received_at = referral.received_at FROM referral WHERE key = referral_key;
ALTER TABLE offer ALTER COLUMN received_at SET NOT NULL;
COMMENT ON COLUMN offer.received_at IS 'When its referral arrived.';

ALTER TABLE placement
  ADD COLUMN kind text,
  ADD COLUMN sourcing text,
  ADD COLUMN wave integer,
  ADD COLUMN urgency urgency,
  ADD COLUMN received_at timestamptz,
  ADD COLUMN siblings_together boolean,
  ADD COLUMN school_near boolean,
  ADD COLUMN key_stage_4 boolean NOT NULL DEFAULT false,
  ADD COLUMN identity_met boolean;
UPDATE placement SET kind = offer.kind, sourcing = offer.sourcing, wave = offer.wave,
  urgency = referral.urgency, received_at = referral.received_at
FROM offer JOIN referral ON referral.key = offer.referral_key
WHERE offer.offer_id = placement.offer_id;
ALTER TABLE placement
  ALTER COLUMN kind SET NOT NULL,
  ALTER COLUMN sourcing SET NOT NULL,
  ALTER COLUMN wave SET NOT NULL,
  ALTER COLUMN urgency SET NOT NULL,
  ALTER COLUMN received_at SET NOT NULL,
  ALTER COLUMN key_stage_4 DROP DEFAULT;
COMMENT ON COLUMN placement.kind IS 'Of its offer, as the two below.';
COMMENT ON COLUMN placement.urgency IS 'Of its referral when it was decided.';
COMMENT ON COLUMN placement.received_at IS 'When its referral arrived.';
COMMENT ON COLUMN placement.siblings_together IS
  'Whether all siblings who are looked after live there then; null where there are none.';
COMMENT ON COLUMN placement.school_near IS
  'Whether school is as near as for key stage 4 it must be; null where there is none.';
COMMENT ON COLUMN placement.key_stage_4 IS 'Whether a child is in key stage 4.';
COMMENT ON COLUMN placement.identity_met IS
  'Whether religion and language are as asked for; null where neither was.';

CREATE TABLE placed_child (
  placement_id uuid NOT NULL REFERENCES placement,
  child_id text NOT NULL,
  authority text NOT NULL,
  PRIMARY KEY (placement_id, child_id)
);
COMMENT ON TABLE placed_child IS 'The children that a placement was decided for.';
CREATE INDEX placed_child_of ON placed_child (authority, child_id);
COMMENT ON INDEX placed_child_of IS 'The placements of a child, one after the other.';
INSERT INTO placed_child (placement_id, child_id, authority)
SELECT placement.placement_id, child ->> 'child_id', placement.authority
FROM placement JOIN occupancy USING (hold_id) CROSS JOIN jsonb_array_elements(occupants) AS child;
CALL protect('placed_child');
GRANT SELECT, INSERT ON placed_child TO oss_app;

ALTER TABLE referral FORCE ROW LEVEL SECURITY;
ALTER TABLE offer FORCE ROW LEVEL SECURITY;
ALTER TABLE placement FORCE ROW LEVEL SECURITY;
ALTER TABLE occupancy FORCE ROW LEVEL SECURITY;

DROP INDEX offer_asked;
CREATE INDEX offer_asked ON offer (authority, approached_at)
  INCLUDE (referral_key, state, decline_reason, answered_at, received_at)
  WHERE approached_at IS NOT NULL;
COMMENT ON INDEX offer_asked IS 'Who was asked in a time, and what became of it.';

DROP INDEX placement_decided;
CREATE INDEX placement_decided ON placement (authority, decided_at)
  INCLUDE (placement_id, kind, sourcing, wave, urgency, weekly_cost, pl_location, pl_distance,
    received_at, siblings_together, school_near, key_stage_4, identity_met)
  WHERE state <> 'cancelled';
COMMENT ON INDEX placement_decided IS 'What was decided in a time and not called off.';

CREATE INDEX approval_of_host_due ON approval (authority, due_at)
  INCLUDE (granted, recorded_at) WHERE code = 'A03' AND NOT cancelled;
COMMENT ON INDEX approval_of_host_due IS 'Notices to host authorities that were due in a time.';
