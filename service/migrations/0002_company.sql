-- What belongs to a Jurnal company or an egress address, shared by all stores and replicas:
-- the only tables that do not lead with a store.

-- Who may send to a company. One batch in flight at a time; the epoch fences an owner that wakes up late.
CREATE TABLE company_lease (
    company_id text        NOT NULL PRIMARY KEY,
    owner      uuid        NOT NULL,
    epoch      bigint      NOT NULL CHECK (epoch > 0),
    expires_at timestamptz NOT NULL
);

-- A budget of calls: `company:<id>` (Jurnal's limit a consumer) or `address:<name>` (its limit an egress address).
CREATE TABLE quota_budget (
    budget text NOT NULL PRIMARY KEY
);

-- One call's place in a budget: held from its grant until a window after its answer, or after its deadline without one.
CREATE TABLE quota_hold (
    budget      text        NOT NULL,
    hold_id     uuid        NOT NULL,
    granted_at  timestamptz NOT NULL,
    released_at timestamptz NOT NULL,
    PRIMARY KEY (budget, hold_id)
);
CREATE INDEX quota_hold_newest ON quota_hold (budget, released_at);

GRANT SELECT, INSERT, UPDATE ON company_lease, quota_budget TO :service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON quota_hold TO :service_role;
