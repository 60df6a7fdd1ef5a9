-- The position up to which a journal's rows are in the tables: written in the same transaction as they, so that each is there once.
CREATE TABLE store_journals (
    journal    text PRIMARY KEY,
    position   bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
