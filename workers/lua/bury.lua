-- Store a dead letter once, mark its job if the job's record is still there, and end its run.
-- ending.lua stands before this text.
-- KEYS: set of letters, this letter, index, set of spilled letters, job, the job's attempts,
--       how a letter of this job left before
-- ARGV: id, time in s, letter as JSON, its short form as JSON, 1 if it was spilled,
--       how many whole letters there may be or '', the job's meta as JSON, and the end of its run
--       as JSON or '' if no run of ours ends: { RQ's prefix, ours, holder, worker, error as RQ
--       stores it, run as `fail` takes it, whether to remove the job's record }
-- Returns: 1 if it was stored, 0 if it was there already, -1 if there is no room for it, -2 if
--          another worker has the job.
local letters, letter, index, spilled, job, attempts, left = unpack(KEYS)
local id, time, text, short, is_spilled, limit, meta, ending = unpack(ARGV)

local rq, ours, holder, worker, error, run, remove
if ending ~= '' then
  rq, ours, holder, worker, error, run, remove = unpack(cjson.decode(ending))
  if not redis.call('ZSCORE', ours .. 'leases:' .. holder, id .. ':' .. run[2]) then
    note(run[11], run[12], 'lease_lost', run[13], '')
    write_notes(ours)
    return -2
  end
end
local function end_run()
  if run then
    drop_lease(rq, ours, holder, run[3], id .. ':' .. run[2])
    if remove then
      redis.call('UNLINK', job)
    end
    fail(rq, ours, run, worker, 'failed', error)
    write_notes(ours)
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
if is_spilled == '1' then
  redis.call('SADD', spilled, id)
end
redis.call('DEL', attempts, left)
end_run()
return 1
