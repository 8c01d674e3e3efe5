-- Give leased jobs that were not started back to the front of their lists, in their old order.
-- ending.lua stands before this text.
-- ARGV: RQ's prefix, ours, holder, 1 if their worker died, then id, execution and list of each
-- Returns: how many were handed back.
local rq, ours, holder, died = unpack(ARGV, 1, 4)

local handed = 0
for at = #ARGV - 2, 5, -3 do
  local id, execution, list = unpack(ARGV, at, at + 2)
  local job = rq .. 'job:' .. id
  if drop_lease(rq, ours, holder, list, id .. ':' .. execution) and redis.call('EXISTS', job) == 1 then
    if died == '1' then
      -- One of them may have killed its worker: the next time each runs alone.
      redis.pcall('HINCRBY', job, 'lost', 1)
    end
    redis.pcall('HSET', job, 'status', 'queued')
    redis.call('LPUSH', rq .. 'queue:' .. list, id)
    handed = handed + 1
  end
end
return handed
