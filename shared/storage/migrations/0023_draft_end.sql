-- How a draft ended is found however long ago that was.

CREATE INDEX audit_draft_end ON audit (authority, thing, seq)
  WHERE referral_key IS NULL AND act IN ('draft.discarded', 'draft.sent');
COMMENT ON INDEX audit_draft_end IS 'Who sent or discarded a draft last.';
