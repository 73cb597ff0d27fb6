-- The journal: the same records, with the same links, as the segment files hold.
CREATE TABLE journal (
    sequence bigint PRIMARY KEY CHECK (sequence >= 0),
    commit_began bigint NOT NULL,
    kind text NOT NULL,
    payload bytea NOT NULL,
    at bigint NOT NULL,
    recorded_at bigint NOT NULL,
    cause bigint NOT NULL,
    previous bytea NOT NULL CHECK (length(previous) = 32),
    link bytea NOT NULL CHECK (length(link) = 32)
);
-- Payloads are short texts: not worth the time that compressing takes.
ALTER TABLE journal ALTER COLUMN payload SET STORAGE EXTERNAL;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the journal is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON journal
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Who may write: a commit holds this row while it checks that its epoch is still the one here.
CREATE TABLE writer (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch bigint NOT NULL
);
INSERT INTO writer (epoch) VALUES (0);
