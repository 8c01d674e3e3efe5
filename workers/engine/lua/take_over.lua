-- Take over the leases of a holder that is dead: they go on as ours, so nothing is in no hands.
-- KEYS: holders
-- ARGV: RQ's prefix, ours, new holder, length of a lease in ms, old holder or '' for one whose time
--       is up by Redis' clock
-- Returns: '' if there is nothing to do, else the old holder ('' if none) and all leases of the new
--          one in their order, also those it had taken over before and not ended, each as id,
--          execution and the list of its job ('' if the job is gone).
local holders = KEYS[1]
local rq, ours, heir, length, dead = unpack(ARGV)
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local new = ours .. 'leases:' .. heir

local function move_leases()
  local old = ours .. 'leases:' .. dead
  redis.call('ZREM', holders, dead)
  redis.call('DEL', ours .. 'step:' .. dead)
  local place = tonumber(redis.call('ZREVRANGE', new, 0, 0, 'WITHSCORES')[2]) or 0
  for at, token in ipairs(redis.call('ZRANGE', old, 0, -1)) do
    redis.call('ZADD', new, place + at, token)
  end
  redis.call('DEL', old)
end

redis.call('ZADD', holders, now + length, heir)
if dead == '' then
  dead = redis.call('ZRANGEBYSCORE', holders, '-inf', now, 'LIMIT', 0, 1)[1] or ''
end
if dead ~= '' then
  move_leases()
end
local found = { dead }
for _, token in ipairs(redis.call('ZRANGE', new, 0, -1)) do
  local id, execution = string.match(token, '^(.*):([^:]*)$')
  local list = redis.pcall('HGET', rq .. 'job:' .. id, 'origin')
  found[#found + 1] = id
  found[#found + 1] = execution
  found[#found + 1] = type(list) == 'string' and list or ''
end
if dead == '' and #found == 1 then
  return ''
end
return found
