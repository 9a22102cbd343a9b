-- Products as iSeller last reported them; `sku` without white space around it, empty if there is none.
CREATE TABLE iseller_product (
    store_id        text    NOT NULL,
    product_id      text    NOT NULL,
    sku             text    NOT NULL,
    told_sku        text    NOT NULL,
    name            text    NOT NULL,
    product_type    text    NOT NULL,
    unit            text    NOT NULL,
    price           numeric NOT NULL,
    buying_price    numeric NOT NULL,
    track_inventory boolean NOT NULL,
    is_active       boolean NOT NULL,
    updated         bigint  NOT NULL,
    PRIMARY KEY (store_id, product_id)
);
CREATE INDEX iseller_product_sku ON iseller_product (store_id, sku);
CREATE TABLE projection_shadow.iseller_product (LIKE iseller_product INCLUDING ALL);

GRANT SELECT, INSERT, UPDATE, DELETE ON iseller_product, projection_shadow.iseller_product TO :service_role;
