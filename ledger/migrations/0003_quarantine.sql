-- A topic that was deleted and made anew counts its offsets from 0 again, and two groups may read one topic:
-- a refused message is known by all of that. What became of it is kept beside it.
ALTER TABLE ledger.quarantine
    DROP CONSTRAINT quarantine_topic_partition_offset_key,
    ADD COLUMN topic_incarnation text COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN origin text NOT NULL DEFAULT '',
    ADD COLUMN place text,
    ADD COLUMN note text NOT NULL DEFAULT '',
    ADD COLUMN settled_at timestamptz,
    ADD CONSTRAINT quarantine_of_one_message
        UNIQUE (consumer_group, topic, topic_incarnation, partition, "offset");
GRANT UPDATE (reason, detail, place, note, settled_at) ON ledger.quarantine TO billing_appender;

COMMENT ON COLUMN ledger.quarantine.origin IS 'where it stood, as the fact that it may still become will say';
COMMENT ON COLUMN ledger.quarantine.place IS 'the field that is wrong, where one is';
COMMENT ON COLUMN ledger.quarantine.note IS 'why it was discarded';
COMMENT ON COLUMN ledger.quarantine.settled_at IS 'when it was re-driven or discarded';
