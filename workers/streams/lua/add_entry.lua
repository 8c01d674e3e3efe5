-- Add an entry whose message was sent before; the limit does not count, as its place was given once.
-- ARGV: our prefix, stream, its tenant or '', names and values, `job_id` first
-- Returns: { added, message's id }.
local ours, stream, tenant = unpack(ARGV, 1, 3)
-- First, so that an entry that Redis refuses leaves nothing behind.
redis.call('XADD', stream, '*', unpack(ARGV, 4))
if redis.call('SADD', ours .. 'streams', stream) == 1 and tenant ~= '' then
  redis.call('SADD', ours .. 'streams:' .. tenant, stream)
end
return { 'added', ARGV[5] }
