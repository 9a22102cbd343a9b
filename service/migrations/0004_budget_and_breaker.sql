-- What a budget knows beyond the places that are held. Company and address lead: no store owns what they share.

-- Until when Jurnal's 429 closed a company's budget. A month's closing lets one call a day through, from trial_at on.
ALTER TABLE quota_budget
    ADD COLUMN closed_until timestamptz,
    ADD COLUMN closed_scope text CHECK (closed_scope IN ('minute', 'hour', 'month')),
    ADD COLUMN closed_at    timestamptz,
    ADD COLUMN trial_at     timestamptz;

-- Whose call holds a place at an egress address.
ALTER TABLE quota_hold ADD COLUMN company_id text NOT NULL DEFAULT '';

-- Calls that others make with a company's credential, as Jurnal's headers tell; they count until `until`.
CREATE TABLE quota_foreign (
    budget         text        NOT NULL,
    window_seconds integer     NOT NULL CHECK (window_seconds > 0),
    calls          integer     NOT NULL CHECK (calls >= 0),
    seen_at        timestamptz NOT NULL,
    until          timestamptz NOT NULL,
    PRIMARY KEY (budget, window_seconds)
);

-- Calls a day, in the time zone of the package. Kept: they tell what a package would have to hold.
CREATE TABLE quota_day (
    budget text    NOT NULL,
    day    date    NOT NULL,
    calls  integer NOT NULL,
    PRIMARY KEY (budget, day)
);

-- Who asked last for what. `able_at`: when only the address could have said no; `waiting_since`: null once granted;
-- `free_at` and `reason`: what the last no said.
CREATE TABLE quota_demand (
    company_id    text        NOT NULL,
    address       text        NOT NULL,
    purpose       text        NOT NULL CHECK (purpose IN ('probe', 'fresh', 'backfill', 'reconcile')),
    asked_at      timestamptz NOT NULL,
    able_at       timestamptz,
    waiting_since timestamptz,
    free_at       timestamptz,
    reason        text,
    PRIMARY KEY (company_id, address, purpose)
);
CREATE INDEX quota_demand_of_address ON quota_demand (address, able_at);

-- Whether a company's Jurnal is asked at all. The epoch fences answers to calls of before; the owner, the one trial.
CREATE TABLE company_breaker (
    company_id text        NOT NULL PRIMARY KEY,
    state      text        NOT NULL CHECK (state IN ('closed', 'open', 'half_open')),
    epoch      bigint      NOT NULL CHECK (epoch >= 0),
    failures   integer     NOT NULL CHECK (failures >= 0),
    openings   integer     NOT NULL CHECK (openings >= 0),
    until      timestamptz,
    owner      uuid,
    since      timestamptz,
    reason     text        NOT NULL,
    CHECK ((state = 'closed') = (until IS NULL)),
    CHECK ((state = 'half_open') = (owner IS NOT NULL))
);

GRANT SELECT, INSERT, UPDATE ON quota_foreign, quota_day, quota_demand, company_breaker TO :service_role;
