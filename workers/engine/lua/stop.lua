-- End a run that somebody stopped, whatever its handler did then. ending.lua stands before this text.
-- ARGV: { RQ's prefix, ours, holder, worker, error as RQ stores it, run as `fail` takes it } as JSON
-- Returns: 1, or 0 if another worker has the job.
local rq, ours, holder, worker, error, run = unpack(cjson.decode(ARGV[1]))

local is_ours = drop_lease(rq, ours, holder, run[3], run[1] .. ':' .. run[2])
if is_ours then
  fail(rq, ours, run, worker, 'stopped', error)
else
  note(run[11], run[12], 'lease_lost', run[13], '')
end
write_notes(ours)
return is_ours and 1 or 0
