-- One row a prediction (stream/analysis/predictions.py); docs/topics/models.md tells what each model's outcome is.
-- No foreign key: how good a model was stays known when a currency goes. Rows are deleted past analysis.retention.
CREATE TABLE ai_predictions (
    id uuid PRIMARY KEY,
    model text NOT NULL,
    version integer NOT NULL CHECK (version >= 0),
    fallback text NOT NULL,                 -- why the baseline stood in for the model; empty: it did not
    origin text NOT NULL CHECK (origin IN ('scheduled', 'asked')),
    crypto_id text NOT NULL,
    symbol text NOT NULL,
    horizon integer NOT NULL CHECK (horizon > 0),  -- seconds
    made_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL CHECK (due_at > made_at),
    point double precision NOT NULL,
    lower double precision NOT NULL,
    upper double precision NOT NULL CHECK (upper >= lower),
    probability double precision NOT NULL CHECK (probability BETWEEN 0 AND 1),
    baseline_point double precision NOT NULL,
    baseline_lower double precision NOT NULL,
    baseline_upper double precision NOT NULL CHECK (baseline_upper >= baseline_lower),
    baseline_probability double precision NOT NULL CHECK (baseline_probability BETWEEN 0 AND 1),
    features jsonb NOT NULL,                -- what the forecast was made from
    expected jsonb NOT NULL,                -- further figures of the model
    outcome double precision,               -- null: not scored yet, or missed (scored_at is set)
    change double precision,                -- log return over the horizon
    happened boolean,                       -- the event whose probability was stated
    baseline_happened boolean,
    breached boolean,                       -- the loss was above the value at risk
    scored_at timestamptz,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp()  -- when this row was last written
);
-- What waits for its outcome: read at every start, counted at every scrape.
CREATE INDEX ai_predictions_open ON ai_predictions (due_at) WHERE scored_at IS NULL;
-- What is new to who measures.
CREATE INDEX ai_predictions_stored ON ai_predictions (stored_at) WHERE outcome IS NOT NULL;
-- What has had its time.
CREATE INDEX ai_predictions_scored ON ai_predictions (scored_at) WHERE scored_at IS NOT NULL;
