-- The books of the host. Words that SQLite and PostgreSQL both take; amounts in minor units, times in
-- milliseconds of UTC, hashes in hexadecimal, keys and bodies as they travel.

CREATE TABLE meta (name TEXT PRIMARY KEY, value BIGINT NOT NULL);

-- Numbers that only rise: terminals, key sets, the wallets' own references.
CREATE TABLE counters (name TEXT PRIMARY KEY, value BIGINT NOT NULL);

CREATE TABLE activations (
    code_sha256 TEXT PRIMARY KEY,
    activation_id TEXT NOT NULL UNIQUE,
    terminal TEXT NOT NULL UNIQUE,
    expires_utc_ms BIGINT NOT NULL,
    device_kid TEXT
);

CREATE TABLE terminals (
    terminal TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    state TEXT NOT NULL,
    device_kid TEXT NOT NULL,
    device_spki TEXT NOT NULL,
    activation_id TEXT NOT NULL,
    batch BIGINT NOT NULL,
    challenge TEXT NOT NULL,
    used_challenge TEXT NOT NULL,
    attested_utc_ms BIGINT NOT NULL
);
CREATE INDEX terminals_by_device ON terminals (device_kid);

CREATE TABLE key_sets (
    key_set TEXT PRIMARY KEY,
    terminal TEXT NOT NULL,
    ikid TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    transcript TEXT NOT NULL,
    block_pin TEXT NOT NULL,
    block_data TEXT NOT NULL,
    confirmation TEXT NOT NULL
);

CREATE TABLE nonces (
    device_kid TEXT NOT NULL,
    nonce TEXT NOT NULL,
    issued_utc_ms BIGINT NOT NULL,
    PRIMARY KEY (device_kid, nonce)
);
CREATE INDEX nonces_by_time ON nonces (issued_utc_ms);

-- Each counter of a DUKPT key is taken once.
CREATE TABLE dukpt_counters (
    ikid TEXT NOT NULL,
    usage TEXT NOT NULL,
    counter BIGINT NOT NULL,
    PRIMARY KEY (ikid, usage, counter)
);

CREATE TABLE transactions (
    payment_key TEXT PRIMARY KEY,
    sequence BIGINT NOT NULL UNIQUE,
    terminal TEXT NOT NULL,
    merchant TEXT NOT NULL,
    batch BIGINT NOT NULL,
    stan BIGINT NOT NULL,
    operation TEXT NOT NULL,
    method TEXT NOT NULL,
    state TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    de39 TEXT NOT NULL,
    deferred BIGINT NOT NULL,
    host_utc_ms BIGINT NOT NULL,
    original_key TEXT,
    -- The decision as it was answered; empty while a code waits for its payer.
    reply TEXT NOT NULL,
    -- What was asked, and what it is answered with again.
    route TEXT NOT NULL,
    body_sha256 TEXT NOT NULL,
    answer TEXT NOT NULL,
    -- Codes only.
    reference TEXT,
    expires_utc_ms BIGINT
);
CREATE INDEX transactions_by_batch ON transactions (terminal, batch, stan);
CREATE INDEX transactions_by_original ON transactions (original_key) WHERE original_key IS NOT NULL;
CREATE UNIQUE INDEX transactions_by_reference ON transactions (reference) WHERE reference IS NOT NULL;

-- The wallets' side of charged codes. A code is charged once; `hasty` counts calls before their time.
CREATE TABLE wallet_orders (
    payment_key TEXT PRIMARY KEY,
    wallet TEXT NOT NULL,
    code_sha256 TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    charged_utc_ms BIGINT NOT NULL,
    asked_utc_ms BIGINT NOT NULL,
    -- When the payer confirms; never, if there is none.
    pays_utc_ms BIGINT,
    hasty BIGINT NOT NULL
);

-- Reversals that came before their original.
CREATE TABLE tombstones (
    terminal TEXT NOT NULL,
    payment_key TEXT NOT NULL,
    host_utc_ms BIGINT NOT NULL,
    PRIMARY KEY (terminal, payment_key)
);

-- Double entry: the lines of one entry add up to zero. Debits are positive.
CREATE TABLE postings (
    payment_key TEXT NOT NULL,
    entry TEXT NOT NULL,
    account TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    PRIMARY KEY (payment_key, entry, account)
);
-- With the amount, so that a balance is summed from the index alone.
CREATE INDEX postings_by_account ON postings (account, amount_minor);

-- The issuer's side of its cards: counters seen, and wrong PINs since the last right one.
CREATE TABLE card_counters (account TEXT NOT NULL, atc BIGINT NOT NULL, PRIMARY KEY (account, atc));
CREATE TABLE pin_tries (account TEXT PRIMARY KEY, failures BIGINT NOT NULL);

CREATE TABLE settlements (
    terminal TEXT NOT NULL,
    batch BIGINT NOT NULL,
    totals TEXT NOT NULL,
    journal_sequence BIGINT NOT NULL,
    journal_head TEXT NOT NULL,
    answer TEXT NOT NULL,
    PRIMARY KEY (terminal, batch)
);

-- The heads of the terminals' journals, one a settlement, in their order.
CREATE TABLE anchors (
    number BIGINT PRIMARY KEY,
    terminal TEXT NOT NULL,
    batch BIGINT NOT NULL,
    size BIGINT NOT NULL,
    root TEXT NOT NULL,
    verdict TEXT NOT NULL
);
CREATE INDEX anchors_by_terminal ON anchors (terminal, number);
