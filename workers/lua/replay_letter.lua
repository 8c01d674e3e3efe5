-- Store a letter's successor and remove the letter, all or nothing. The function `enqueue`, which
-- is enqueue.lua, and tenant_letters.lua stand before this text.
-- KEYS: set of letters, this letter, index, set of spilled letters, what the sets of tenants begin
--       with, job, audit stream, how it left, failed jobs of its list, the job's attempts, then those of enqueue
-- ARGV: id, letter as it was read, audit entry or '', entries to keep, seconds to keep how it left,
--       what the job's record shall tell of this, the letter's attempts as JSON of their lines,
--       then those of enqueue
-- Returns: replayed | gone | changed | requeued
local letters, letter, index, spilled, of, job, audit, left, failed, attempts =
  unpack(KEYS, 1, 10)
local id, before, entry, kept, seconds, replayed, history = unpack(ARGV, 1, 7)

local stored = redis.call('GET', letter)
if not stored then
  return 'gone'
elseif stored ~= before then
  return 'changed'
elseif redis.call('HGET', job, 'status') == 'queued' then
  return 'requeued'
end

local their_keys, their_arguments = {}, {}
for place = 11, #KEYS do
  their_keys[place - 10] = KEYS[place]
end
for place = 8, #ARGV do
  their_arguments[place - 7] = ARGV[place]
end
local successor = enqueue(their_keys, their_arguments)[2]

redis.call('ZREM', letters, id)
leave_tenant(of, index, id)
redis.call('DEL', letter)
redis.call('HDEL', index, id)
redis.call('SREM', spilled, id)
redis.call('SET', left, 'replayed ' .. successor, 'EX', seconds)
-- `rq requeue --all` would run it a second time.
redis.call('ZREM', failed, id)
if redis.call('EXISTS', job) == 1 then
  redis.call('HSET', job, 'replayed_as', successor, 'replayed', replayed)
  -- The letter had them; they stay as long as the record does.
  local lines = cjson.decode(history)
  if #lines > 0 then
    local rest = redis.call('PTTL', job)
    redis.call('DEL', attempts)
    redis.call('RPUSH', attempts, unpack(lines))
    redis.call('PEXPIRE', attempts, rest > 0 and rest or seconds * 1000)
  end
end
if entry ~= '' then
  redis.call('XADD', audit, 'MAXLEN', kept, '*', 'entry', entry)
end
return 'replayed'
