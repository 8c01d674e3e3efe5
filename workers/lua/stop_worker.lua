-- Tell a worker to end what it runs and leave, and write down who did, if anybody hears it.
-- KEYS: audit log
-- ARGV: the worker's channel, RQ's command, audit entry, entries kept
-- Returns: how many heard it.
local channel, command, entry, kept = unpack(ARGV)

local heard = redis.call('PUBLISH', channel, command)
if heard > 0 then
  redis.call('XADD', KEYS[1], 'MAXLEN', kept, '*', 'entry', entry)
end
return heard
