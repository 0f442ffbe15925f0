-- Which resources have ended, and when accounts stood released: use beyond that is refused where it comes in, and a question
-- about millions of ended resources must not read what they were.

ALTER TABLE resources ADD COLUMN ended_at INTEGER;
UPDATE resources SET ended_at = json_extract(body, '$.ended_at') WHERE status IN ('released', 'unsubscribed', 'deleted');
CREATE INDEX resources_ended ON resources (account_id, resource_id, ended_at, status) WHERE ended_at IS NOT NULL;

CREATE INDEX standing_intervals_released ON standing_intervals (account_id, starts_at, ends_at) WHERE status = 'released';
