-- What the end of a run does, whichever way it ended. Stands before the text of each script that
-- ends runs; times are Redis' own, durations are in microseconds.
local call, try = redis.call, redis.pcall
local clock = call('TIME')
local now_s = tonumber(clock[1])
local now_ms = now_s * 1000 + math.floor(tonumber(clock[2]) / 1000)

-- To hand a number over costs Redis several times what a text does, if it is for many jobs.
local function text_of(whole)
  return string.format('%d', whole)
end

-- The fence: only who still holds the lease may end the run. A late finisher is refused.
local function drop_lease(rq, ours, holder, list, token)
  if redis.call('ZREM', ours .. 'leases:' .. holder, token) == 0 then
    return false
  end
  redis.call('ZREM', rq .. 'wip:' .. list, token)
  return true
end

local function free_unique(unique, id)
  if unique ~= '' and redis.call('GET', unique) == id then
    redis.call('DEL', unique)
  end
end

-- Outcomes for those who wait for one: an entry is a status and the ids that have it now.
local function tell(ours, status, ids)
  if #ids > 0 then
    call('XADD', ours .. 'done', 'MAXLEN', '~', '2000', '*', status, table.concat(ids, ' '))
  end
end

-- Buckets of histograms grow by 5 %, from 0.1 ms on: percentiles within 5 % (MONITORING, A24).
local function bucket(microseconds)
  if microseconds <= 100 then
    return 0
  end
  return math.ceil(math.log(microseconds / 100) / math.log(1.05))
end

local counts, rings = {}, {}

-- The counters of one stat (`queue|type`), tenant and outcome; for many runs, found once.
local function counter(stat, tenant, outcome)
  local name = stat .. '|' .. outcome .. '|' .. tenant
  local found = counts[name]
  if not found then
    local queue, kind = string.match(stat, '^(.*)|([^|]*)$')
    found = {
      prefix = stat .. '|' .. outcome .. '|', queue = queue, short = kind .. '|' .. outcome .. '|',
      tenant = tenant ~= '' and 'tenant|' .. tenant .. '|' .. stat .. '|' .. outcome .. '|n',
      n = 0, run = 0, wait = 0, waits = false, runs = {}, waited = {},
    }
    if outcome == 'finished' or outcome == 'failed' then
      rings[#rings + 1] = found
      found.said = stat .. '|' .. outcome
    end
    counts[name] = found
  end
  return found
end

-- waited is '' where nobody knows how long the job waited.
local function count(found, duration, waited)
  found.n = found.n + 1
  found.run = found.run + duration
  local place = duration <= 100 and 0 or bucket(duration)
  found.runs[place] = (found.runs[place] or 0) + 1
  if waited ~= '' then
    found.waits = true
    found.wait = found.wait + waited
    place = bucket(waited)
    found.waited[place] = (found.waited[place] or 0) + 1
  end
end

local function note(stat, tenant, outcome, duration, waited)
  count(counter(stat, tenant, outcome), duration, waited)
end

local failures = {}

-- A failure of a kind, by its fingerprint; '' where nobody knows it.
local function note_failure(fingerprint, stat)
  if fingerprint and fingerprint ~= '' then
    local name = 'failure|' .. fingerprint .. '|' .. stat .. '|n'
    failures[name] = (failures[name] or 0) + 1
  end
end

-- Seconds in a bucket of time, and for how long the bucket is kept: 7, 90 and 90 days.
local resolutions = { m = { 60, 604800 }, h = { 3600, 7776000 }, d = { 86400, 7776000 } }

-- Histograms stand apart from sums, and apart by queue: who draws a chart of sums, or of one queue,
-- must not read those of all.
local function write_times(key, found)
  local runs, waits = found.short .. 'run:', found.short .. 'wait:'
  for place, amount in pairs(found.runs) do
    redis.call('HINCRBY', key, runs .. place, amount)
  end
  for place, amount in pairs(found.waited) do
    redis.call('HINCRBY', key, waits .. place, amount)
  end
end

-- Returns whether it is the first of its name in this bucket.
local function write_sums(key, found)
  local all = redis.call('HINCRBY', key, found.prefix .. 'n', found.n)
  redis.call('HINCRBY', key, found.prefix .. 'run', found.run)
  if found.waits then
    redis.call('HINCRBY', key, found.prefix .. 'wait', found.wait)
  end
  if found.tenant then
    redis.call('HINCRBY', key, found.tenant, found.n)
  end
  return all == found.n
end

-- To cut a list costs more than to add to it, so that is done once for 500 entries.
local function write_ring(key, entry)
  if redis.call('RPUSH', key, entry) > 1500 then
    redis.call('LTRIM', key, -1000, -1)
  end
end

-- What ended alike in one step is one entry, with its number.
local function write_recent(ours)
  for _, found in ipairs(rings) do
    local entry = now_ms .. '|' .. found.said .. '|' .. found.n
    write_ring(ours .. 'recent:' .. found.queue, entry)
    write_ring(ours .. 'recent', entry)
  end
end

local function write_notes(ours)
  if next(counts) == nil then
    return
  end
  for name, resolution in pairs(resolutions) do
    local length, kept = unpack(resolution)
    local bucket_of_time = name .. ':' .. (now_s - now_s % length)
    local key = ours .. 'stats:' .. bucket_of_time
    for _, found in pairs(counts) do
      local times = ours .. 'times:' .. bucket_of_time .. ':' .. found.queue
      local is_new = write_sums(key, found)
      write_times(times, found)
      if is_new then
        redis.call('EXPIRE', key, kept)
        redis.call('EXPIRE', times, kept)
      end
    end
    for field, amount in pairs(failures) do
      redis.call('HINCRBY', key, field, amount)
    end
  end
  write_recent(ours)
end

-- A job that runs again must not expire for the time it has waited.
local function requeue(rq, id, list, at_front, written)
  redis.call('HDEL', rq .. 'job:' .. id, 'expires_at', 'queue_ttl')
  redis.call('HSET', rq .. 'job:' .. id, 'status', 'queued', 'enqueued_at', written)
  redis.call(at_front and 'LPUSH' or 'RPUSH', rq .. 'queue:' .. list, id)
end

local function names_of(rq, ours, id)
  local job = rq .. 'job:' .. id
  return { job, rq .. 'results:' .. id, ours .. 'attempts:' .. id, ours .. 'progress:' .. id,
    ours .. 'log:' .. id, job .. ':dependents', rq .. 'job::' .. id .. ':dependencies' }
end

local function forget(rq, ours, id)
  redis.call('UNLINK', unpack(names_of(rq, ours, id)))
end

-- As RQ records a failure. run: { id, execution, list, started, ended, started and ended in Unix s,
-- TTL in s, unique key or '', failed jobs to keep or -1, stat, tenant or '', duration, waited or '',
-- fingerprint or nil }
local function fail(rq, ours, run, worker, status, error)
  local id, execution, list, started, ended, began, over, ttl = unpack(run, 1, 8)
  local job, results = rq .. 'job:' .. id, rq .. 'results:' .. id
  if redis.call('TYPE', job).ok == 'hash' then
    redis.call('HDEL', job, 'expires_at', 'queue_ttl')
    redis.call('HSET', job, 'status', status, 'started_at', started, 'ended_at', ended,
      'worker_name', worker)
    redis.call('XADD', results, 'MAXLEN', '~', 10, '*', 'type', '2', 'worker_name', worker,
      'exc_string', error, 'execution_id', execution, 'execution_started_at', began,
      'execution_ended_at', over)
    redis.call('ZADD', rq .. 'failed:' .. list, ttl < 0 and '+inf' or now_s + ttl, id)
    if ttl > 0 then
      redis.call('EXPIRE', job, ttl)
      redis.call('EXPIRE', results, ttl)
    end
  end
  free_unique(run[9], id)
  tell(ours, 'failed', { id })
  note(run[11], run[12], status, run[13], run[14])
  note_failure(run[15], run[11])
  if run[10] >= 0 then
    local surplus = redis.call('ZCARD', rq .. 'failed:' .. list) - run[10]
    for _, old in ipairs(surplus > 0 and redis.call('ZRANGE', rq .. 'failed:' .. list, 0, math.min(surplus, 500) - 1) or {}) do
      redis.call('ZREM', rq .. 'failed:' .. list, old)
      forget(rq, ours, old)
    end
  end
end
