-- How the run of a job of RQ's queues ends for good: `open_run` for bury.lua and its like. ending.lua
-- stands before this text.
-- text: JSON of { RQ's prefix, ours, holder, worker, error as RQ stores it, run as `fail` takes it,
-- whether to remove the job's record }
local function open_run(text)
  local rq, ours, holder, worker, error, run, remove = unpack(cjson.decode(text))
  local id, list = run[1], run[3]
  local token = id .. ':' .. run[2]
  local function is_ours()
    if redis.call('ZSCORE', ours .. 'leases:' .. holder, token) then
      return true
    end
    note(run[11], run[12], 'lease_lost', run[13], '')
    write_notes(ours)
    return false
  end
  local function close()
    drop_lease(rq, ours, holder, list, token)
    if remove then
      redis.call('UNLINK', rq .. 'job:' .. id)
    end
    fail(rq, ours, run, worker, 'failed', error)
    write_notes(ours)
  end
  return is_ours, close
end
