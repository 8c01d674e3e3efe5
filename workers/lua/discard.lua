-- Remove ended jobs from a registry, with their records. A job that runs again since keeps its
-- record, and only its place among the ended ones is taken away.
-- KEYS: sorted set of ended jobs
-- ARGV: prefixes of the keys of jobs, results, attempts, progress and logs, then the ids
-- Returns: how many jobs were removed.
local registry = KEYS[1]
local job, result, attempts, progress, log = unpack(ARGV, 1, 5)
local ended = { finished = true, failed = true, canceled = true, stopped = true }

local removed = 0
for index = 6, #ARGV do
  local id = ARGV[index]
  local status = redis.call('HGET', job .. id, 'status')
  if redis.call('ZREM', registry, id) == 1 and (not status or ended[status]) then
    local unique = redis.call('HGET', job .. id, 'unique_key')
    if unique and redis.call('GET', unique) == id then
      redis.call('DEL', unique)
    end
    -- RQ writes the key of what a job waits for with two colons (rq/job.py, dependencies_key).
    redis.call('UNLINK', job .. id, result .. id, attempts .. id, progress .. id, log .. id,
      job .. id .. ':dependents', job .. ':' .. id .. ':dependencies')
    removed = removed + 1
  end
end
return removed
