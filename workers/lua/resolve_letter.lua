-- Remove the letter of a job that runs again, unless the letter was replayed. tenant_letters.lua
-- stands before this text.
-- KEYS: set of letters, this letter, index, set of spilled letters, what the sets of tenants begin
--       with, how it left, job
-- ARGV: id, seconds to keep how it left
-- Returns: resolved | none | replayed ID
local letters, letter, index, spilled, of, left, job = unpack(KEYS)
local id, seconds = unpack(ARGV)

local successor = redis.call('HGET', job, 'replayed_as')
if successor then
  return 'replayed ' .. successor
end
leave_tenant(of, index, id)
redis.call('DEL', letter)
redis.call('HDEL', index, id)
redis.call('SREM', spilled, id)
if redis.call('ZREM', letters, id) == 0 then
  return 'none'
end
redis.call('SET', left, 'requeued', 'EX', seconds)
return 'resolved'
