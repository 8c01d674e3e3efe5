-- Write an entry into the audit log, also when Redis is full: it is capped, and those who make room
-- must be written down, too. In a script Redis refuses only the first write, and never to trim.
-- KEYS: audit log
-- ARGV: entry, entries kept
local audit = KEYS[1]
local entry, kept = unpack(ARGV)
redis.call('XTRIM', audit, 'MAXLEN', kept)
redis.call('XADD', audit, 'MAXLEN', kept, '*', 'entry', entry)
