-- A notice that is not sent any more.
-- KEYS: outbox, history. ARGV: field, what the history says, entries to keep.
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'entry', ARGV[2])
