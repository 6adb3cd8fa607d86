-- What `onefold up` kept in PostgreSQL before generations had digests (control tables at revision 0003), after 19 events
-- of 13 types: by `pg_dump --inserts --no-owner --no-privileges`, without settings and API keys. Made once; not to be edited.
CREATE SCHEMA g1;
CREATE SCHEMA onefold;
CREATE TABLE g1.attributes (
    tenant text NOT NULL COLLATE pg_catalog."C",
    contact_id uuid NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C",
    value json,
    type text COLLATE pg_catalog."C",
    at bigint NOT NULL,
    event_id text NOT NULL COLLATE pg_catalog."C"
)
WITH (fillfactor='85');
CREATE TABLE g1.bindings (
    tenant text NOT NULL COLLATE pg_catalog."C",
    contact_id uuid NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    value text NOT NULL COLLATE pg_catalog."C",
    via text NOT NULL COLLATE pg_catalog."C",
    bound boolean NOT NULL,
    at bigint NOT NULL,
    event_id text NOT NULL COLLATE pg_catalog."C"
)
WITH (fillfactor='85');
CREATE TABLE g1.changes (
    tenant text NOT NULL COLLATE pg_catalog."C",
    customer_id uuid NOT NULL,
    seq bigint NOT NULL,
    payload text NOT NULL COLLATE pg_catalog."C",
    id bigint NOT NULL
)
WITH (fillfactor='85');
ALTER TABLE g1.changes ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME g1.changes_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE g1.consents (
    tenant text NOT NULL COLLATE pg_catalog."C",
    contact_id uuid NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    allowed boolean NOT NULL,
    at bigint NOT NULL,
    event_id text NOT NULL COLLATE pg_catalog."C",
    by text COLLATE pg_catalog."C"
)
WITH (fillfactor='85');
CREATE TABLE g1.contacts (
    tenant text NOT NULL COLLATE pg_catalog."C",
    contact_id uuid NOT NULL,
    channel text NOT NULL COLLATE pg_catalog."C",
    account text NOT NULL COLLATE pg_catalog."C",
    uid text NOT NULL COLLATE pg_catalog."C",
    first_seen_at bigint NOT NULL,
    display_name text COLLATE pg_catalog."C",
    avatar text COLLATE pg_catalog."C",
    locale text COLLATE pg_catalog."C",
    staff_member text COLLATE pg_catalog."C",
    staff_branch text COLLATE pg_catalog."C",
    staff_at bigint,
    superseded_by text COLLATE pg_catalog."C",
    subscribed boolean,
    subscribed_at bigint,
    last_customer_at bigint,
    last_team_at bigint,
    last_marketing_at bigint,
    runs json NOT NULL,
    stamps json NOT NULL
)
WITH (fillfactor='70');
CREATE TABLE g1.customers (
    tenant text NOT NULL COLLATE pg_catalog."C",
    customer_id uuid NOT NULL,
    founder text NOT NULL COLLATE pg_catalog."C",
    founded_at bigint,
    contacts integer NOT NULL,
    member_id text COLLATE pg_catalog."C",
    phone text COLLATE pg_catalog."C",
    phone_tier smallint,
    phone_at bigint,
    phone_by text COLLATE pg_catalog."C",
    email text COLLATE pg_catalog."C",
    email_tier smallint,
    email_at bigint,
    email_by text COLLATE pg_catalog."C",
    exclusive text COLLATE pg_catalog."C"
)
WITH (fillfactor='85');
CREATE TABLE g1.intrinsics (
    tenant text NOT NULL COLLATE pg_catalog."C",
    contact_id uuid NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    value text NOT NULL COLLATE pg_catalog."C",
    since bigint,
    since_id text COLLATE pg_catalog."C",
    latest bigint,
    latest_id text COLLATE pg_catalog."C"
)
WITH (fillfactor='85');
CREATE TABLE g1.links (
    tenant text NOT NULL COLLATE pg_catalog."C",
    type text NOT NULL COLLATE pg_catalog."C",
    value text NOT NULL COLLATE pg_catalog."C",
    tier smallint NOT NULL,
    contact_id uuid NOT NULL
)
WITH (fillfactor='100');
CREATE TABLE g1.members (
    tenant text NOT NULL COLLATE pg_catalog."C",
    contact_id uuid NOT NULL,
    contact text NOT NULL COLLATE pg_catalog."C",
    customer_id uuid NOT NULL,
    component uuid NOT NULL,
    refused integer NOT NULL,
    named_at bigint,
    holdings json NOT NULL,
    decisions json NOT NULL
)
WITH (fillfactor='70');
CREATE TABLE g1.namings (
    tenant text NOT NULL COLLATE pg_catalog."C",
    contact_id uuid NOT NULL,
    by_id uuid NOT NULL,
    at bigint NOT NULL
)
WITH (fillfactor='85');
CREATE TABLE g1.notifications (
    tenant text NOT NULL COLLATE pg_catalog."C",
    contact_id uuid NOT NULL,
    topic text NOT NULL COLLATE pg_catalog."C",
    active boolean NOT NULL,
    frequency text COLLATE pg_catalog."C",
    token text COLLATE pg_catalog."C",
    expires_at bigint,
    at bigint NOT NULL,
    event_id text NOT NULL COLLATE pg_catalog."C"
)
WITH (fillfactor='85');
CREATE TABLE g1.offsets (
    topic text NOT NULL COLLATE pg_catalog."C",
    partition integer NOT NULL,
    next_offset bigint DEFAULT 0 NOT NULL,
    epoch bigint DEFAULT 1 NOT NULL,
    committed bigint DEFAULT 0 NOT NULL,
    duplicates bigint DEFAULT 0 NOT NULL,
    dead_letters bigint DEFAULT 0 NOT NULL,
    recent_records bigint DEFAULT 0 NOT NULL,
    recent_dead bigint DEFAULT 0 NOT NULL
);
CREATE TABLE g1.policies (
    tenant text NOT NULL COLLATE pg_catalog."C",
    event_id text NOT NULL COLLATE pg_catalog."C",
    at bigint NOT NULL,
    policy json NOT NULL,
    set_by text COLLATE pg_catalog."C",
    note text COLLATE pg_catalog."C"
)
WITH (fillfactor='85');
CREATE TABLE g1.refusals (
    tenant text NOT NULL COLLATE pg_catalog."C",
    contact_id uuid NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    value text NOT NULL COLLATE pg_catalog."C",
    contact text NOT NULL COLLATE pg_catalog."C",
    tier smallint NOT NULL,
    reason text NOT NULL COLLATE pg_catalog."C",
    detail json NOT NULL,
    at bigint NOT NULL
)
WITH (fillfactor='85');
CREATE TABLE g1.relayed (
    topic text NOT NULL COLLATE pg_catalog."C",
    partition integer NOT NULL,
    next_offset bigint NOT NULL
)
WITH (fillfactor='85');
CREATE TABLE g1.spaces (
    tenant text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    version text NOT NULL COLLATE pg_catalog."C",
    state text NOT NULL COLLATE pg_catalog."C",
    total bigint NOT NULL,
    done bigint NOT NULL,
    place text NOT NULL COLLATE pg_catalog."C",
    left_at timestamp with time zone
)
WITH (fillfactor='85');
CREATE TABLE g1.statements (
    tenant text NOT NULL COLLATE pg_catalog."C",
    contact_id uuid NOT NULL,
    event_id text NOT NULL COLLATE pg_catalog."C",
    at bigint NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    source text NOT NULL COLLATE pg_catalog."C",
    intrinsic json NOT NULL,
    said json NOT NULL
)
WITH (fillfactor='100');
CREATE TABLE g1.tags (
    tenant text NOT NULL COLLATE pg_catalog."C",
    contact_id uuid NOT NULL,
    tag text NOT NULL COLLATE pg_catalog."C",
    taggings integer NOT NULL,
    last_at bigint,
    last_event text COLLATE pg_catalog."C",
    source text COLLATE pg_catalog."C",
    expires_at bigint,
    sliding boolean NOT NULL,
    removed_at bigint,
    removed_event text COLLATE pg_catalog."C"
)
WITH (fillfactor='85');
CREATE TABLE g1.timeline (
    tenant text NOT NULL COLLATE pg_catalog."C",
    contact_id uuid NOT NULL,
    event_id text NOT NULL COLLATE pg_catalog."C",
    occurred_at bigint NOT NULL,
    received_at bigint NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    source text NOT NULL COLLATE pg_catalog."C",
    data json NOT NULL
)
WITH (fillfactor='100');
CREATE TABLE g1.told (
    tenant text NOT NULL COLLATE pg_catalog."C",
    customer_id uuid NOT NULL,
    seq bigint NOT NULL
)
WITH (fillfactor='70');
CREATE TABLE onefold.deletion_requests (
    code text NOT NULL COLLATE pg_catalog."C",
    tenant text NOT NULL COLLATE pg_catalog."C",
    source text NOT NULL COLLATE pg_catalog."C",
    channel text NOT NULL COLLATE pg_catalog."C",
    sealed_subject bytea,
    state text DEFAULT 'received'::text NOT NULL COLLATE pg_catalog."C",
    reason text,
    requested_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone,
    CONSTRAINT deletion_requests_state_ck CHECK ((state = ANY (ARRAY['received'::text, 'done'::text, 'refused'::text])))
);
CREATE TABLE onefold.generations (
    name text NOT NULL COLLATE pg_catalog."C",
    state text NOT NULL COLLATE pg_catalog."C",
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    activated_at timestamp with time zone,
    CONSTRAINT generations_state_ck CHECK ((state = ANY (ARRAY['building'::text, 'active'::text, 'retired'::text])))
);
CREATE TABLE onefold.keys (
    key_hash bytea NOT NULL,
    tenant text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    scopes text[] NOT NULL COLLATE pg_catalog."C",
    prefix text NOT NULL COLLATE pg_catalog."C",
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    revoked_at timestamp with time zone
);
CREATE TABLE onefold.schema_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE onefold.sources (
    source text NOT NULL COLLATE pg_catalog."C",
    tenant text NOT NULL COLLATE pg_catalog."C",
    channel text NOT NULL COLLATE pg_catalog."C",
    account text COLLATE pg_catalog."C",
    provider text COLLATE pg_catalog."C",
    sealed_secrets bytea[] NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    sealed_verify_token bytea,
    options jsonb DEFAULT '{}'::jsonb NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    disabled_at timestamp with time zone
);
CREATE TABLE onefold.tenants (
    tenant text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    default_region text NOT NULL COLLATE pg_catalog."C",
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE onefold.write_keys (
    write_key_hash bytea NOT NULL,
    source text NOT NULL COLLATE pg_catalog."C",
    prefix text NOT NULL COLLATE pg_catalog."C",
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    revoked_at timestamp with time zone
);
INSERT INTO g1.attributes VALUES ('demo', '998b1589-b99e-8cb6-8464-77c3593adeb8', 'birthday', '"1990-01-01"', 'date', 1767225840000, 'old-9');
INSERT INTO g1.bindings VALUES ('demo', '998b1589-b99e-8cb6-8464-77c3593adeb8', 'phone', '0911222333', 'phone_otp', true, 1767226200000, 'old-12');
INSERT INTO g1.bindings VALUES ('demo', '661f0321-c167-8c11-8cff-90a8831d2f01', 'phone', '+886911222333', 'login', true, 1767226260000, 'old-13');
INSERT INTO g1.bindings VALUES ('demo', '661f0321-c167-8c11-8cff-90a8831d2f01', 'member_id', 'M7', 'login', true, 1767226260000, 'old-13');
INSERT INTO g1.consents VALUES ('demo', '998b1589-b99e-8cb6-8464-77c3593adeb8', 'broadcast', false, 1767226080000, 'old-10', 'contact');
INSERT INTO g1.contacts VALUES ('demo', '998b1589-b99e-8cb6-8464-77c3593adeb8', 'line', 'oa1', 'U1', 1767225600000, NULL, NULL, NULL, 'S1', 'Taipei', 1767226920000, NULL, true, 1767226140000, 1767226860000, NULL, 1767226800000, '[[true,1767225600000,"old-1",1767225600000,"old-1"],[false,1767225720000,"old-3",1767225720000,"old-3"],[true,1767226140000,"old-4",1767226140000,"old-4"]]', '{"staff":[1767226920000,"old-18"]}');
INSERT INTO g1.contacts VALUES ('demo', '661f0321-c167-8c11-8cff-90a8831d2f01', 'web', 'shop', 'user:7', 1767225960000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '[]', '{}');
INSERT INTO g1.contacts VALUES ('demo', 'aad9388d-0b2e-83ac-a39d-6100bdc0316d', 'facebook', 'page1', 'p1', 1767225660000, '王小明', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '[]', '{"display_name":[1767225720000,"old-15"]}');
INSERT INTO g1.customers VALUES ('demo', '998b1589-b99e-8cb6-8464-77c3593adeb8', 'line:oa1:U1', 1767226200000, 3, 'M7', '+886911222333', 2, 1767226260000, 'old-13', NULL, NULL, NULL, NULL, NULL);
INSERT INTO g1.intrinsics VALUES ('demo', '661f0321-c167-8c11-8cff-90a8831d2f01', 'phone', '+886911222333', NULL, NULL, NULL, NULL);
INSERT INTO g1.intrinsics VALUES ('demo', '661f0321-c167-8c11-8cff-90a8831d2f01', 'member_id', 'M7', NULL, NULL, NULL, NULL);
INSERT INTO g1.intrinsics VALUES ('demo', '998b1589-b99e-8cb6-8464-77c3593adeb8', 'phone', '0911222333', NULL, NULL, NULL, NULL);
INSERT INTO g1.links VALUES ('demo', 'phone', '+886911222333', 2, '998b1589-b99e-8cb6-8464-77c3593adeb8');
INSERT INTO g1.links VALUES ('demo', 'member_id', 'M7', 1, '661f0321-c167-8c11-8cff-90a8831d2f01');
INSERT INTO g1.links VALUES ('demo', 'phone', '+886911222333', 2, '661f0321-c167-8c11-8cff-90a8831d2f01');
INSERT INTO g1.members VALUES ('demo', '661f0321-c167-8c11-8cff-90a8831d2f01', 'web:shop:user:7', '998b1589-b99e-8cb6-8464-77c3593adeb8', '998b1589-b99e-8cb6-8464-77c3593adeb8', 0, NULL, '[["member_id","M7",1767226260000,[1767226260000,"old-13"],[1767226260000,"old-13"],null,null,null,null],["phone","+886911222333",1767226260000,[1767226260000,"old-13"],[1767226260000,"old-13"],null,null,null,null]]', '[]');
INSERT INTO g1.members VALUES ('demo', '998b1589-b99e-8cb6-8464-77c3593adeb8', 'line:oa1:U1', '998b1589-b99e-8cb6-8464-77c3593adeb8', '998b1589-b99e-8cb6-8464-77c3593adeb8', 0, NULL, '[["phone","0911222333",1767226200000,[1767226200000,"old-12"],[1767226200000,"old-12"],null,null,null,null]]', '[]');
INSERT INTO g1.members VALUES ('demo', 'aad9388d-0b2e-83ac-a39d-6100bdc0316d', 'facebook:page1:p1', '998b1589-b99e-8cb6-8464-77c3593adeb8', '998b1589-b99e-8cb6-8464-77c3593adeb8', 0, NULL, '[]', '[["line:oa1:U1",1767227400000,"old-19","same",1767227400000]]');
INSERT INTO g1.notifications VALUES ('demo', 'aad9388d-0b2e-83ac-a39d-6100bdc0316d', 'deals', true, 'weekly', 'tok', NULL, 1767225660000, 'old-11');
INSERT INTO g1.offsets VALUES ('onefold.channel-events', 0, 12, 2, 12, 0, 0, 12, 0);
INSERT INTO g1.offsets VALUES ('onefold.channel-events', 1, 0, 2, 0, 0, 0, 0, 0);
INSERT INTO g1.offsets VALUES ('onefold.channel-events', 2, 0, 2, 0, 0, 0, 0, 0);
INSERT INTO g1.offsets VALUES ('onefold.channel-events', 3, 3, 2, 3, 0, 0, 3, 0);
INSERT INTO g1.offsets VALUES ('onefold.channel-events', 4, 0, 2, 0, 0, 0, 0, 0);
INSERT INTO g1.offsets VALUES ('onefold.channel-events', 5, 0, 2, 0, 0, 0, 0, 0);
INSERT INTO g1.offsets VALUES ('onefold.channel-events', 6, 4, 2, 4, 0, 0, 4, 0);
INSERT INTO g1.offsets VALUES ('onefold.channel-events', 7, 0, 2, 0, 0, 0, 0, 0);
INSERT INTO g1.offsets VALUES ('onefold.identity-evidence', 0, 0, 2, 0, 0, 0, 0, 0);
INSERT INTO g1.offsets VALUES ('onefold.identity-evidence', 1, 0, 2, 0, 0, 0, 0, 0);
INSERT INTO g1.offsets VALUES ('onefold.identity-evidence', 2, 0, 2, 0, 0, 0, 0, 0);
INSERT INTO g1.offsets VALUES ('onefold.identity-evidence', 3, 3, 2, 3, 0, 0, 3, 0);
INSERT INTO g1.offsets VALUES ('onefold.identity-evidence', 4, 0, 2, 0, 0, 0, 0, 0);
INSERT INTO g1.offsets VALUES ('onefold.identity-evidence', 5, 0, 2, 0, 0, 0, 0, 0);
INSERT INTO g1.offsets VALUES ('onefold.identity-evidence', 6, 0, 2, 0, 0, 0, 0, 0);
INSERT INTO g1.offsets VALUES ('onefold.identity-evidence', 7, 0, 2, 0, 0, 0, 0, 0);
INSERT INTO g1.relayed VALUES ('onefold.customer-changes', 1, 0);
INSERT INTO g1.relayed VALUES ('onefold.customer-changes', 2, 0);
INSERT INTO g1.relayed VALUES ('onefold.customer-changes', 3, 0);
INSERT INTO g1.relayed VALUES ('onefold.customer-changes', 4, 2);
INSERT INTO g1.relayed VALUES ('onefold.customer-changes', 0, 0);
INSERT INTO g1.relayed VALUES ('onefold.customer-changes', 5, 0);
INSERT INTO g1.relayed VALUES ('onefold.customer-changes', 6, 0);
INSERT INTO g1.relayed VALUES ('onefold.customer-changes', 7, 0);
INSERT INTO g1.statements VALUES ('demo', '661f0321-c167-8c11-8cff-90a8831d2f01', 'old-13', 1767226260000, 'identity.bound', 'api', '[]', '[["phone","+886911222333","verified"],["member_id","M7","verified"]]');
INSERT INTO g1.statements VALUES ('demo', '998b1589-b99e-8cb6-8464-77c3593adeb8', 'old-12', 1767226200000, 'identity.bound', 'api', '[]', '[["phone","0911222333","verified"]]');
INSERT INTO g1.statements VALUES ('demo', 'aad9388d-0b2e-83ac-a39d-6100bdc0316d', 'old-19', 1767227400000, 'identity.decided', 'api', '[]', '[["line:oa1:U1","","same"]]');
INSERT INTO g1.tags VALUES ('demo', '998b1589-b99e-8cb6-8464-77c3593adeb8', '新品', 2, 1767225960000, 'old-6', NULL, 1769875140000, true, NULL, NULL);
INSERT INTO g1.tags VALUES ('demo', '661f0321-c167-8c11-8cff-90a8831d2f01', 'vip', 0, NULL, NULL, NULL, NULL, false, 1767226020000, 'old-8');
INSERT INTO g1.timeline VALUES ('demo', '998b1589-b99e-8cb6-8464-77c3593adeb8', 'old-1', 1767225600000, 1795661904486, 'contact.followed', 'api', '{}');
INSERT INTO g1.timeline VALUES ('demo', '998b1589-b99e-8cb6-8464-77c3593adeb8', 'old-2', 1767225780000, 1795661904486, 'message.received', 'api', '{"message_id":"m1","kind":"text","text":"哈囉","payload":{}}');
INSERT INTO g1.timeline VALUES ('demo', '998b1589-b99e-8cb6-8464-77c3593adeb8', 'old-3', 1767225720000, 1795661904486, 'contact.blocked', 'api', '{}');
INSERT INTO g1.timeline VALUES ('demo', '998b1589-b99e-8cb6-8464-77c3593adeb8', 'old-4', 1767226140000, 1795661904486, 'contact.followed', 'api', '{}');
INSERT INTO g1.timeline VALUES ('demo', '998b1589-b99e-8cb6-8464-77c3593adeb8', 'old-5', 1767225900000, 1795661904486, 'tag.added', 'api', '{"tag":"新品"}');
INSERT INTO g1.timeline VALUES ('demo', '998b1589-b99e-8cb6-8464-77c3593adeb8', 'old-6', 1767225960000, 1795661904486, 'tag.added', 'api', '{"tag":"新品","expires_after":30}');
INSERT INTO g1.timeline VALUES ('demo', '998b1589-b99e-8cb6-8464-77c3593adeb8', 'old-9', 1767225840000, 1795661904486, 'attribute.set', 'api', '{"key":"birthday","value":"1990-01-01","type":"date"}');
INSERT INTO g1.timeline VALUES ('demo', '998b1589-b99e-8cb6-8464-77c3593adeb8', 'old-10', 1767226080000, 1795661904486, 'marketing.opted_out', 'api', '{"kinds":["broadcast"],"by":"contact"}');
INSERT INTO g1.timeline VALUES ('demo', '998b1589-b99e-8cb6-8464-77c3593adeb8', 'old-12', 1767226200000, 1795661904486, 'identity.bound', 'api', '{"identifiers":[{"type":"phone","value":"0911222333","assurance":"verified"}],"via":"phone_otp"}');
INSERT INTO g1.timeline VALUES ('demo', '998b1589-b99e-8cb6-8464-77c3593adeb8', 'old-16', 1767226800000, 1795661904486, 'team.message_sent', 'api', '{"purpose":"broadcast","message_id":"b1","campaign":"c1","payload":{}}');
INSERT INTO g1.timeline VALUES ('demo', '998b1589-b99e-8cb6-8464-77c3593adeb8', 'old-17', 1767226860000, 1795661904486, 'message.edited', 'api', '{"message_id":"m1","kind":"text","text":"hi","payload":{}}');
INSERT INTO g1.timeline VALUES ('demo', '998b1589-b99e-8cb6-8464-77c3593adeb8', 'old-18', 1767226920000, 1795661904486, 'omo.bound', 'api', '{"member":"S1","branch":"Taipei"}');
INSERT INTO g1.timeline VALUES ('demo', '661f0321-c167-8c11-8cff-90a8831d2f01', 'old-7', 1767225960000, 1795661904486, 'tag.added', 'api', '{"tag":"vip"}');
INSERT INTO g1.timeline VALUES ('demo', '661f0321-c167-8c11-8cff-90a8831d2f01', 'old-8', 1767226020000, 1795661904486, 'tag.removed', 'api', '{"tag":"vip"}');
INSERT INTO g1.timeline VALUES ('demo', '661f0321-c167-8c11-8cff-90a8831d2f01', 'old-13', 1767226260000, 1795661904486, 'identity.bound', 'api', '{"identifiers":[{"type":"phone","value":"+886911222333","assurance":"verified"},{"type":"member_id","value":"M7","assurance":"verified"}],"via":"login"}');
INSERT INTO g1.timeline VALUES ('demo', '661f0321-c167-8c11-8cff-90a8831d2f01', 'old-20', 1767227460000, 1795661904486, 'web.tracked', 'api', '{"event":"page","url":"https://shop/","properties":{"a":[1,2]}}');
INSERT INTO g1.timeline VALUES ('demo', 'aad9388d-0b2e-83ac-a39d-6100bdc0316d', 'old-11', 1767225660000, 1795661904486, 'notification.opted_in', 'api', '{"topic":"deals","frequency":"weekly","token":"tok"}');
INSERT INTO g1.timeline VALUES ('demo', 'aad9388d-0b2e-83ac-a39d-6100bdc0316d', 'old-15', 1767225720000, 1795661904486, 'profile.updated', 'api', '{"display_name":"王小明"}');
INSERT INTO g1.timeline VALUES ('demo', 'aad9388d-0b2e-83ac-a39d-6100bdc0316d', 'old-19', 1767227400000, 1795661904486, 'identity.decided', 'api', '{"other":{"channel":"line","account":"oa1","uid":"U1"},"decision":"same","by":"staff"}');
INSERT INTO g1.told VALUES ('demo', '998b1589-b99e-8cb6-8464-77c3593adeb8', 2);
INSERT INTO onefold.generations VALUES ('g1', 'active', '2026-11-26 02:54:37.993837+00', NULL);
INSERT INTO onefold.schema_version VALUES ('0003');
INSERT INTO onefold.tenants VALUES ('demo', 'Demo', 'TW', '2026-11-26 02:54:38.522987+00');
SELECT pg_catalog.setval('g1.changes_id_seq', 2, true);
ALTER TABLE ONLY g1.attributes
    ADD CONSTRAINT attributes_pkey PRIMARY KEY (tenant, contact_id, key);
ALTER TABLE ONLY g1.bindings
    ADD CONSTRAINT bindings_pkey PRIMARY KEY (tenant, contact_id, type, value);
ALTER TABLE ONLY g1.changes
    ADD CONSTRAINT changes_pkey PRIMARY KEY (tenant, customer_id, seq);
ALTER TABLE ONLY g1.consents
    ADD CONSTRAINT consents_pkey PRIMARY KEY (tenant, contact_id, kind);
ALTER TABLE ONLY g1.contacts
    ADD CONSTRAINT contacts_pkey PRIMARY KEY (tenant, contact_id);
ALTER TABLE ONLY g1.customers
    ADD CONSTRAINT customers_pkey PRIMARY KEY (tenant, customer_id);
ALTER TABLE ONLY g1.intrinsics
    ADD CONSTRAINT intrinsics_pkey PRIMARY KEY (tenant, contact_id, type, value);
ALTER TABLE ONLY g1.links
    ADD CONSTRAINT links_pkey PRIMARY KEY (tenant, type, value, tier, contact_id);
ALTER TABLE ONLY g1.members
    ADD CONSTRAINT members_pkey PRIMARY KEY (tenant, contact_id);
ALTER TABLE ONLY g1.namings
    ADD CONSTRAINT namings_pkey PRIMARY KEY (tenant, contact_id, by_id);
ALTER TABLE ONLY g1.notifications
    ADD CONSTRAINT notifications_pkey PRIMARY KEY (tenant, contact_id, topic);
ALTER TABLE ONLY g1.offsets
    ADD CONSTRAINT offsets_pkey PRIMARY KEY (topic, partition);
ALTER TABLE ONLY g1.policies
    ADD CONSTRAINT policies_pkey PRIMARY KEY (tenant, event_id);
ALTER TABLE ONLY g1.refusals
    ADD CONSTRAINT refusals_pkey PRIMARY KEY (tenant, contact_id, type, value);
ALTER TABLE ONLY g1.relayed
    ADD CONSTRAINT relayed_pkey PRIMARY KEY (topic, partition);
ALTER TABLE ONLY g1.spaces
    ADD CONSTRAINT spaces_pkey PRIMARY KEY (tenant, name);
ALTER TABLE ONLY g1.statements
    ADD CONSTRAINT statements_pkey PRIMARY KEY (tenant, contact_id, event_id);
ALTER TABLE ONLY g1.tags
    ADD CONSTRAINT tags_pkey PRIMARY KEY (tenant, contact_id, tag);
ALTER TABLE ONLY g1.timeline
    ADD CONSTRAINT timeline_pkey PRIMARY KEY (tenant, contact_id, event_id);
ALTER TABLE ONLY g1.told
    ADD CONSTRAINT told_pkey PRIMARY KEY (tenant, customer_id);
ALTER TABLE ONLY onefold.deletion_requests
    ADD CONSTRAINT deletion_requests_pk PRIMARY KEY (code);
ALTER TABLE ONLY onefold.generations
    ADD CONSTRAINT generations_pk PRIMARY KEY (name);
ALTER TABLE ONLY onefold.keys
    ADD CONSTRAINT keys_pk PRIMARY KEY (key_hash);
ALTER TABLE ONLY onefold.schema_version
    ADD CONSTRAINT schema_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY onefold.sources
    ADD CONSTRAINT sources_pk PRIMARY KEY (source);
ALTER TABLE ONLY onefold.tenants
    ADD CONSTRAINT tenants_pk PRIMARY KEY (tenant);
ALTER TABLE ONLY onefold.write_keys
    ADD CONSTRAINT write_keys_pk PRIMARY KEY (write_key_hash);
CREATE INDEX changes_in_order ON g1.changes USING btree (id);
CREATE INDEX members_of_component ON g1.members USING btree (tenant, component);
CREATE INDEX members_of_customer ON g1.members USING btree (tenant, customer_id);
CREATE INDEX namings_earliest ON g1.namings USING btree (tenant, contact_id, at);
CREATE INDEX refusals_newest ON g1.refusals USING btree (tenant, at, contact_id, type, value);
CREATE UNIQUE INDEX spaces_live ON g1.spaces USING btree (tenant) WHERE (state = 'live'::text);
CREATE INDEX timeline_changes ON g1.timeline USING btree (tenant, contact_id, ((data ->> 'message_id'::text))) WHERE (type = ANY (ARRAY['message.edited'::text, 'message.unsent'::text]));
CREATE INDEX timeline_newest ON g1.timeline USING btree (tenant, contact_id, occurred_at);
CREATE INDEX deletion_requests_tenant_ix ON onefold.deletion_requests USING btree (tenant);
CREATE UNIQUE INDEX generations_one_active_ix ON onefold.generations USING btree (state) WHERE (state = 'active'::text);
CREATE INDEX keys_tenant_ix ON onefold.keys USING btree (tenant);
CREATE INDEX sources_tenant_ix ON onefold.sources USING btree (tenant);
CREATE INDEX write_keys_source_ix ON onefold.write_keys USING btree (source);
ALTER TABLE ONLY onefold.deletion_requests
    ADD CONSTRAINT deletion_requests_tenant_fk FOREIGN KEY (tenant) REFERENCES onefold.tenants(tenant);
ALTER TABLE ONLY onefold.keys
    ADD CONSTRAINT keys_tenant_fk FOREIGN KEY (tenant) REFERENCES onefold.tenants(tenant);
ALTER TABLE ONLY onefold.sources
    ADD CONSTRAINT sources_tenant_fk FOREIGN KEY (tenant) REFERENCES onefold.tenants(tenant);
ALTER TABLE ONLY onefold.write_keys
    ADD CONSTRAINT write_keys_source_fk FOREIGN KEY (source) REFERENCES onefold.sources(source);
