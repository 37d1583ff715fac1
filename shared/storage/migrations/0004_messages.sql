-- What comes in and goes out, and makes doing so twice harmless.

CREATE TABLE inbox (
  source text NOT NULL CHECK (length(source) <= 2048),
  event_id text NOT NULL CHECK (length(event_id) BETWEEN 1 AND 128),
  received_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (source, event_id)
);
COMMENT ON TABLE inbox IS
  'Events that were handled, in the transaction of their effect. Kept for ever: that is the promise.';
GRANT SELECT, INSERT ON inbox TO oss_app;

CREATE TABLE outbox (
  sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id uuid NOT NULL,
  authority text,
  subject text NOT NULL,
  payload bytea NOT NULL,
  traceparent text,
  created_at timestamptz NOT NULL,
  published_at timestamptz,
  CONSTRAINT outbox_event_once UNIQUE (event_id)
);
COMMENT ON TABLE outbox IS
  'Events that were committed together with the state they report, for the relay to publish.';
-- A list of offers is long, and PostgreSQL's own compression takes most of the time of storing it.
DO $$
BEGIN
  ALTER TABLE outbox ALTER COLUMN payload SET COMPRESSION lz4;
EXCEPTION
  WHEN feature_not_supported THEN NULL;
END
$$;
COMMENT ON COLUMN outbox.sequence IS
  'Orders publication. A lower one may be committed later than a higher one: never read on from the last one seen.';
COMMENT ON COLUMN outbox.event_id IS 'Becomes Nats-Msg-Id, so that a second publication is dropped.';
COMMENT ON COLUMN outbox.authority IS 'Null where the event tells of none.';
CREATE INDEX outbox_unpublished ON outbox (sequence) WHERE published_at IS NULL;
COMMENT ON INDEX outbox_unpublished IS 'What the relay has still to publish, in order.';
CALL protect('outbox');
GRANT SELECT, INSERT, DELETE, UPDATE (published_at) ON outbox TO oss_app;

CREATE TABLE dead_letter (
  dead_letter_id uuid PRIMARY KEY,
  authority text,
  subject text NOT NULL,
  source text,
  event_id text,
  event_type text,
  code text NOT NULL,
  reason text NOT NULL,
  errors jsonb NOT NULL,
  attempts bigint NOT NULL CHECK (attempts > 0),
  received_at timestamptz NOT NULL,
  headers jsonb NOT NULL,
  payload bytea NOT NULL,
  retry_requested_at timestamptz,
  retry_taken_at timestamptz,
  resolved_at timestamptz,
  resolution text,
  CONSTRAINT dead_letter_resolution CHECK ((resolved_at IS NULL) = (resolution IS NULL))
);
COMMENT ON TABLE dead_letter IS 'Events that could not be handled, with the reason.';
COMMENT ON COLUMN dead_letter.authority IS 'As the subject says; null where it does not.';
COMMENT ON COLUMN dead_letter.payload IS
  'As it came, encrypted with the installation''s key: it may tell of a child.';
COMMENT ON COLUMN dead_letter.retry_taken_at IS
  'When a handler took it up; taken long ago and not resolved, the handler is gone.';
CREATE INDEX dead_letter_waiting ON dead_letter (dead_letter_id) WHERE resolved_at IS NULL;
COMMENT ON INDEX dead_letter_waiting IS 'The list of those that wait for a person.';
CREATE INDEX dead_letter_to_retry ON dead_letter (retry_requested_at)
  WHERE resolved_at IS NULL AND retry_requested_at IS NOT NULL;
COMMENT ON INDEX dead_letter_to_retry IS 'Those to be tried again, first asked first.';
CALL protect('dead_letter');
GRANT SELECT, INSERT,
  UPDATE (attempts, code, reason, errors, retry_requested_at, retry_taken_at, resolved_at, resolution)
  ON dead_letter TO oss_app;

CREATE TABLE idempotency (
  authority text NOT NULL,
  actor text NOT NULL,
  key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
  route text NOT NULL,
  body_hash bytea NOT NULL CHECK (octet_length(body_hash) = 32),
  created_at timestamptz NOT NULL,
  status smallint,
  response bytea,
  PRIMARY KEY (authority, actor, key),
  CONSTRAINT idempotency_answer_is_whole CHECK ((status IS NULL) = (response IS NULL))
);
COMMENT ON TABLE idempotency IS
  'Answers to requests with an Idempotency-Key, for a day: the same request gets the same answer.';
COMMENT ON COLUMN idempotency.status IS 'Null while the first request is being answered.';
CREATE INDEX idempotency_age ON idempotency (created_at);
COMMENT ON INDEX idempotency_age IS 'Those to be deleted.';
CALL protect('idempotency');
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency TO oss_app;
