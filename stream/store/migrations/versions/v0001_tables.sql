-- The tables of the data store. The five time series are partitioned on time; `python -m stream.store maintain` makes the
-- partitions. Rows that no partition takes lie in the default one until it has made theirs.
--
-- Indexes that the design lists and that are not here, because a better one covers them:
--   symbol, coin_gecko_id     their unique constraints are indexes
--   crypto_id                 the first column of (crypto_id, timestamp)
--   timestamp                 BRIN where rows are appended in the order of time: a thousandth of the size, and nothing to
--                             keep up on each insert; analysis_history, which is asked for its newest rows, has a B-tree

CREATE TABLE cryptocurrencies (
    id            text PRIMARY KEY,
    symbol        text NOT NULL UNIQUE,
    name          text NOT NULL,
    coin_gecko_id text UNIQUE,
    is_active     boolean NOT NULL DEFAULT true,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX cryptocurrencies_is_active ON cryptocurrencies (is_active);
CREATE INDEX cryptocurrencies_created_at ON cryptocurrencies (created_at);

-- A key of a partitioned table holds the partition's column.
CREATE TABLE price_history (
    id         bigserial,
    crypto_id  text NOT NULL REFERENCES cryptocurrencies (id) ON DELETE CASCADE,
    price      numeric NOT NULL,
    volume_24h numeric,
    market_cap numeric,
    change_24h double precision,
    timestamp  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, timestamp)
) PARTITION BY RANGE (timestamp);
CREATE INDEX price_history_crypto_time ON price_history (crypto_id, timestamp);
CREATE INDEX price_history_time ON price_history USING brin (timestamp) WITH (autosummarize = on);
CREATE TABLE price_history_default PARTITION OF price_history DEFAULT;

CREATE TABLE on_chain_metrics (
    id               bigserial,
    crypto_id        text NOT NULL REFERENCES cryptocurrencies (id) ON DELETE CASCADE,
    mvrv             double precision,
    nupl             double precision,
    sopr             double precision,
    active_addresses bigint,
    exchange_inflow  double precision,
    exchange_outflow double precision,
    timestamp        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, timestamp)
) PARTITION BY RANGE (timestamp);
CREATE INDEX on_chain_metrics_crypto_time ON on_chain_metrics (crypto_id, timestamp);
CREATE INDEX on_chain_metrics_time ON on_chain_metrics USING brin (timestamp) WITH (autosummarize = on);
CREATE INDEX on_chain_metrics_mvrv ON on_chain_metrics (mvrv);
CREATE INDEX on_chain_metrics_nupl ON on_chain_metrics (nupl);
CREATE TABLE on_chain_metrics_default PARTITION OF on_chain_metrics DEFAULT;

CREATE TABLE technical_metrics (
    id        bigserial,
    crypto_id text NOT NULL REFERENCES cryptocurrencies (id) ON DELETE CASCADE,
    rsi       double precision,
    ma50      numeric,
    ma200     numeric,
    macd      double precision,
    signal    double precision,
    histogram double precision,
    timestamp timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, timestamp)
) PARTITION BY RANGE (timestamp);
CREATE INDEX technical_metrics_crypto_time ON technical_metrics (crypto_id, timestamp);
CREATE INDEX technical_metrics_time ON technical_metrics USING brin (timestamp) WITH (autosummarize = on);
CREATE INDEX technical_metrics_rsi ON technical_metrics (rsi);
CREATE INDEX technical_metrics_ma50 ON technical_metrics (ma50);
CREATE TABLE technical_metrics_default PARTITION OF technical_metrics DEFAULT;

CREATE TABLE sentiment_data (
    id               bigserial,
    crypto_id        text NOT NULL REFERENCES cryptocurrencies (id) ON DELETE CASCADE,
    fear_greed_index double precision,
    social_sentiment double precision,
    news_sentiment   double precision,
    google_trends    double precision,
    timestamp        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, timestamp)
) PARTITION BY RANGE (timestamp);
CREATE INDEX sentiment_data_crypto_time ON sentiment_data (crypto_id, timestamp);
CREATE INDEX sentiment_data_time ON sentiment_data USING brin (timestamp) WITH (autosummarize = on);
CREATE INDEX sentiment_data_fear_greed ON sentiment_data (fear_greed_index);
CREATE TABLE sentiment_data_default PARTITION OF sentiment_data DEFAULT;

CREATE TABLE analysis_history (
    id            bigserial,
    crypto_id     text NOT NULL REFERENCES cryptocurrencies (id) ON DELETE CASCADE,
    analysis_type text NOT NULL,
    signal        text,
    confidence    double precision,
    reasoning     text,
    risk_level    text,
    analysis_data jsonb NOT NULL DEFAULT '{}',
    timestamp     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, timestamp)
) PARTITION BY RANGE (timestamp);
CREATE INDEX analysis_history_crypto_time ON analysis_history (crypto_id, timestamp);
CREATE INDEX analysis_history_time ON analysis_history (timestamp);
CREATE INDEX analysis_history_type ON analysis_history (analysis_type);
CREATE INDEX analysis_history_signal ON analysis_history (signal);
CREATE INDEX analysis_history_confidence ON analysis_history (confidence);
CREATE TABLE analysis_history_default PARTITION OF analysis_history DEFAULT;
