-- Indexes for lists and figures of a time, however many referrals are past.

DROP INDEX referral_list;
CREATE INDEX referral_list ON referral (authority, received_at, key) INCLUDE (urgency);
COMMENT ON INDEX referral_list IS
  'The list of referrals, page by page; and how many arrived in a time, without looking at them.';

CREATE INDEX offer_asked ON offer (authority, approached_at)
  INCLUDE (referral_key, state, decline_reason, answered_at) WHERE approached_at IS NOT NULL;
COMMENT ON INDEX offer_asked IS 'Who was asked in a time, and what became of it.';
CREATE INDEX offer_asked_of_provider ON offer (authority, provider_id, approached_at)
  WHERE approached_at IS NOT NULL;
COMMENT ON INDEX offer_asked_of_provider IS 'What a provider was asked, the last first.';
CREATE INDEX offer_waiting_of_provider ON offer (authority, provider_id)
  WHERE state = 'approached';
COMMENT ON INDEX offer_waiting_of_provider IS 'What a provider has still to answer.';

CREATE INDEX placement_decided ON placement (authority, decided_at);
COMMENT ON INDEX placement_decided IS 'What was decided in a time.';
CREATE INDEX placement_ended ON placement (authority, ended_on)
  INCLUDE (end_reason, end_planned) WHERE ended_on IS NOT NULL;
COMMENT ON INDEX placement_ended IS 'What ended in a time.';
CREATE INDEX placement_live ON placement (authority) WHERE state = 'started';
COMMENT ON INDEX placement_live IS 'Where children live now.';

CREATE INDEX approval_recorded ON approval (authority, recorded_at)
  INCLUDE (requested_at) WHERE recorded_at IS NOT NULL;
COMMENT ON INDEX approval_recorded IS 'What was approved or refused in a time.';

CREATE INDEX setting_version_until ON setting_version (authority, supply_until);
COMMENT ON INDEX setting_version_until IS
  'The states that last, and those that ended after a version: a recent supply, whatever came before.';
