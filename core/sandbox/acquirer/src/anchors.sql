-- The heads of the terminals' journals, one a settlement, in their order.
CREATE TABLE IF NOT EXISTS anchors (
    number BIGINT PRIMARY KEY,
    terminal TEXT NOT NULL,
    batch BIGINT NOT NULL,
    size BIGINT NOT NULL,
    root TEXT NOT NULL,
    verdict TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS anchors_by_terminal ON anchors (terminal, number);
