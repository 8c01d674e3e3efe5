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

local failures, most_fields = {}, 20000

-- Groups of failures: so many, and kept for 90 days after the last failure.
local most_groups, group_seconds, most_told, most_releases = 1000, 7776000, 20, 200

-- A line first, and then of the others as many as there may be, each once.
local function with_newest(line, lines)
  local kept = { line }
  for other in string.gmatch(lines or '', '[^\n]+') do
    if other ~= line and #kept < most_told then
      kept[#kept + 1] = other
    end
  end
  return table.concat(kept, '\n')
end

-- Releases stand in the order in which they were first seen, here and in the set of all.
local function note_release(ours, group, release)
  if call('ZADD', ours .. 'releases', 'NX', text_of(now_ms), release) == 1 then
    call('ZREMRANGEBYRANK', ours .. 'releases', 0, -1 - most_releases)
  end
  if call('HINCRBY', group, 'count|' .. release, 1) == 1 then
    call('HSET', group, 'first|' .. release, text_of(now_ms))
    local names = with_newest(release, call('HGET', group, 'releases'))
    for old in string.gmatch(call('HGET', group, 'releases') or '', '[^\n]+') do
      if not string.find('\n' .. names .. '\n', '\n' .. old .. '\n', 1, true) then
        call('HDEL', group, 'count|' .. old, 'first|' .. old, 'last|' .. old)
      end
    end
    call('HSET', group, 'releases', names)
  end
  call('HSET', group, 'last|' .. release, text_of(now_ms))
end

-- Whether a release may have what mended a group: it is the one that was named, or was first seen
-- after it; while that one was never seen, after it was named. Nobody can tell of unknown ones. Where
-- it is not known whose failure it was, that is no sign that it came back.
local function may_be_mended(ours, release, fixed_in, marked)
  if release == '' then
    return false
  end
  if release == fixed_in or release == 'unknown' then
    return true
  end
  local seen = call('ZSCORE', ours .. 'releases', release)
  local fixed = call('ZSCORE', ours .. 'releases', fixed_in)
  return tonumber(seen) > tonumber(fixed or marked)
end

local function new_group(ours, name, group, stat, class, text, place)
  call('HSET', group, 'type', string.match(stat, '[^|]*$'), 'class', class, 'text', text,
    'place', place)
  local all = ours .. 'failures'
  call('ZREMRANGEBYSCORE', all, '-inf', text_of(now_ms - group_seconds * 1000))
  local surplus = call('ZCARD', all) + 1 - most_groups
  for _, old in ipairs(surplus > 0 and call('ZRANGE', all, 0, math.min(surplus, 100) - 1) or {}) do
    call('ZREM', all, old)
    call('UNLINK', ours .. 'failure:' .. old)
  end
end

-- A failure of a kind: JSON of { fingerprint, class, text, place, release or '' }, or '' where nobody
-- knows its kind. It is counted, and told to its group.
local function note_failure(ours, failure, stat, id)
  if not failure or failure == '' then
    return
  end
  local name, class, text, place, release = unpack(cjson.decode(failure))
  local counted = 'failure|' .. name .. '|' .. stat .. '|n'
  failures[counted] = (failures[counted] or 0) + 1
  local group, queue = ours .. 'failure:' .. name, string.match(stat, '^(.*)|[^|]*$')
  if call('HSETNX', group, 'first', text_of(now_ms)) == 1 then
    new_group(ours, name, group, stat, class, text, place)
  end
  call('HINCRBY', group, 'count', 1)
  if release ~= '' then
    note_release(ours, group, release)
  end
  local said = call('HMGET', group, 'jobs', 'queues', 'state', 'fixed_in', 'marked')
  call('HSET', group, 'last', text_of(now_ms), 'jobs', with_newest(id, said[1]),
    'queues', with_newest(queue, said[2]))
  if said[3] == 'fixed' and may_be_mended(ours, release, said[4], said[5]) then
    call('HSET', group, 'state', 'reopened', 'reopened', text_of(now_ms), 'reopened_in', release)
  end
  call('EXPIRE', group, group_seconds)
  call('ZADD', ours .. 'failures', text_of(now_ms), name)
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

-- Errors whose text differs each time must not fill the bucket: from some point on they are `other`.
local function write_failures(key)
  local is_new = false
  for field, amount in pairs(failures) do
    if call('HLEN', key) >= most_fields and call('HEXISTS', key, field) == 0 then
      field = 'failure|other|' .. string.match(field, '^failure|[^|]*|(.*)$')
    end
    is_new = call('HINCRBY', key, field, amount) == amount or is_new
  end
  return is_new
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
  if next(counts) == nil and next(failures) == nil then
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
    if write_failures(key) then
      redis.call('EXPIRE', key, kept)
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
-- what `note_failure` takes, or nil }
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
  note_failure(ours, run[15], run[11], id)
  if run[10] >= 0 then
    local surplus = redis.call('ZCARD', rq .. 'failed:' .. list) - run[10]
    for _, old in ipairs(surplus > 0 and redis.call('ZRANGE', rq .. 'failed:' .. list, 0, math.min(surplus, 500) - 1) or {}) do
      redis.call('ZREM', rq .. 'failed:' .. list, old)
      forget(rq, ours, old)
    end
  end
end
