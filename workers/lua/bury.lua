-- Store a dead letter once, mark its job if the job's record is still there, and end its run. The
-- function `open_run`, of end_job.lua or its like, stands before this text where a run ends, and so
-- does tenant_letters.lua.
-- KEYS: set of letters, this letter, index, set of spilled letters, what the sets of tenants begin
--       with, job, the job's attempts, how a letter of this job left before
-- ARGV: id, time in s, letter as JSON, its short form as JSON, 1 if it was spilled,
--       how many whole letters there may be or '', the job's meta as JSON, and what `open_run` takes
--       or '' if no run of ours ends
-- Returns: 1 if it was stored, 0 if it was there already, -1 if there is no room for it, -2 if
--          another worker has the job.
local letters, letter, index, spilled, of, job, attempts, left = unpack(KEYS)
local id, time, text, short, is_spilled, limit, meta, ending = unpack(ARGV)

local function end_run() end
if ending ~= '' then
  local is_ours
  is_ours, end_run = open_run(ending)
  if not is_ours() then
    return -2
  end
end

if redis.call('TYPE', job).ok == 'hash' then
  redis.call('HSET', job, 'meta', meta)
end
if redis.call('ZSCORE', letters, id) then
  end_run()
  return 0
end
if limit ~= '' then
  local whole = redis.call('ZCARD', letters) - redis.call('SCARD', spilled)
  if whole >= tonumber(limit) then
    return -1
  end
end
redis.call('SET', letter, text)
redis.call('ZADD', letters, time, id)
redis.call('HSET', index, id, short)
join_tenant(of, short, time, id)
if is_spilled == '1' then
  redis.call('SADD', spilled, id)
end
redis.call('DEL', attempts, left)
end_run()
return 1
