-- Find the consumers that are gone. Those without entries are removed; the others' may be claimed.
-- ARGV: our prefix, group, how many at most, and those that leave by themselves
-- Returns: { how many were found, names of those who have left entries }.
local ours, group, most = ARGV[1], ARGV[2], tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local consumers, orphaned = ours .. 'consumers:' .. group, ours .. 'orphaned:' .. group

local gone = { unpack(ARGV, 4) }
if #gone == 0 then
  gone = redis.call('ZRANGEBYSCORE', consumers, '-inf', now, 'LIMIT', 0, most)
end

-- Returns whether it has nothing pending in the stream; then it is no consumer there any more.
local function is_removed(stream, name)
  local pending = redis.pcall('XPENDING', stream, group, '-', '+', 1, name)
  if not pending.err and #pending > 0 then
    return false
  end
  redis.pcall('XGROUP', 'DELCONSUMER', stream, group, name)
  return true
end

local left = {}
for _, name in ipairs(gone) do
  local consumes, has_left = ours .. 'consumes:' .. group .. ':' .. name, false
  for _, stream in ipairs(redis.call('SMEMBERS', consumes)) do
    if is_removed(stream, name) then
      redis.call('SREM', consumes, stream)
    else
      has_left = true
    end
  end
  if has_left then
    left[#left + 1] = name
    -- By its last sign of life: of who died with its worker nobody knew until its time was up.
    local until_ms = redis.call('ZSCORE', consumers, name) or now
    redis.call('ZREM', orphaned, name) -- anew: those who sleep are woken by a change
    redis.call('ZADD', orphaned, until_ms, name)
  end
  redis.call('ZREM', consumers, name)
  redis.call('DEL', ours .. 'step:' .. name)
end
return { #gone, left }
