-- Store the successor of a job that failed and has no dead letter, all or nothing. The function
-- `enqueue`, which is enqueue.lua, stands before this text.
-- KEYS: job, its dead letter, audit log, failed jobs of its list, then those of enqueue
-- ARGV: id, audit entry ('' writes none down), entries kept, what the job's record shall tell of this, then those of
--       enqueue
-- Returns: 'retried', 'buried' if it has a letter meanwhile, or the state it is in ('' for none).
local job, letter, audit, failed = unpack(KEYS, 1, 4)
local id, entry, kept, replayed = unpack(ARGV, 1, 4)

if redis.call('EXISTS', letter) == 1 then
  return 'buried'
end
local known = redis.call('HMGET', job, 'status', 'replayed_as')
if known[1] ~= 'failed' and known[1] ~= 'stopped' then
  return known[1] or ''
elseif known[2] then
  return 'retried already as job ' .. known[2]
end

local their_keys, their_arguments = {}, {}
for place = 5, #KEYS do
  their_keys[place - 4] = KEYS[place]
end
for place = 5, #ARGV do
  their_arguments[place - 4] = ARGV[place]
end
local successor = enqueue(their_keys, their_arguments)[2]
redis.call('HSET', job, 'replayed_as', successor, 'replayed', replayed)
-- `rq requeue --all` would run it a second time.
redis.call('ZREM', failed, id)
if entry ~= '' then
  redis.call('XADD', audit, 'MAXLEN', kept, '*', 'entry', entry)
end
return 'retried'
