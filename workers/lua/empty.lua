-- Remove jobs that wait, from the front of a list, or from a set of jobs that are held back.
-- KEYS: list or sorted set
-- ARGV: how many at most, prefixes of the keys of jobs, attempts, progress and logs
-- Returns: how many were removed, then the ids that other jobs wait for.
local waiting = KEYS[1]
local most, job, attempts, progress, log = unpack(ARGV)

local ids = {}
if redis.call('TYPE', waiting).ok == 'zset' then
  local first = redis.call('ZPOPMIN', waiting, most)
  for index = 1, #first, 2 do
    ids[#ids + 1] = first[index]
  end
else
  ids = redis.call('LPOP', waiting, most) or {}
end

local answer = { #ids }
for _, id in ipairs(ids) do
  local unique = redis.call('HGET', job .. id, 'unique_key')
  if unique and redis.call('GET', unique) == id then
    redis.call('DEL', unique)
  end
  redis.call('UNLINK', job .. id, attempts .. id, progress .. id, log .. id,
    job .. ':' .. id .. ':dependencies')
  if redis.call('EXISTS', job .. id .. ':dependents') == 1 then
    answer[#answer + 1] = id
  end
end
return answer
