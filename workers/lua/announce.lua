-- Say that a job is over that RQ's own code ran, count it, and give back its unique key if it still
-- holds it. ending.lua stands before this text.
-- KEYS: job
-- ARGV: our prefix, id, outcome, stat, duration, waited or ''
local ours, id, outcome, stat, duration, waited = unpack(ARGV)

note(stat, '', outcome, tonumber(duration), waited == '' and '' or tonumber(waited))
write_notes(ours)
tell(ours, outcome == 'finished' and outcome or 'failed', { id })
free_unique(redis.call('HGET', KEYS[1], 'unique_key') or '', id)
return 1
