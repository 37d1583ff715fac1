-- What was told can be read, whatever became of its bytes.

CREATE FUNCTION told(payload bytea) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
  event jsonb;
BEGIN
  event := convert_from(payload, 'UTF8')::jsonb;
  RETURN CASE jsonb_typeof(event -> 'data') WHEN 'object' THEN event END;
EXCEPTION
  WHEN data_exception OR program_limit_exceeded THEN RETURN NULL;
END
$$;
COMMENT ON FUNCTION told IS 'The event in an outbox''s payload; null where the payload is damaged.';
