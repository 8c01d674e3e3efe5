-- Store jobs that share all but their messages, and put them where they belong, all or nothing.
-- KEYS: set of queues, queue list, scheduled set, deferred set, unique key, cancelled set,
--       the index of the message type, and its older half; if they are a tenant's, the index of its
--       jobs, and its older half
-- ARGV: when they were sent, prefix of job keys, delay in ms or '', due time in s or '',
--       queue TTL in s or '', unique: '' | 'live' | window in ms,
--       what to do when a parent failed: fail | run | cancel, message type,
--       the index: jobs it keeps or '', seconds it keeps them, the names of its fields,
--       jobs that the index of the tenant keeps or '', number of parents, number of fields and
--       values, the parents' ids, the fields and values,
--       then for each job its id, its data and, if there is an index, lines of field:value for it
-- Returns: what happened to the last job and the id that stands for its message; then for each
--       duplicate its place among the jobs, from 1, and the id of the job that was there before.
local call = redis.call
local queues, list, scheduled, deferred, unique, cancelled, index, older = unpack(KEYS, 1, 8)
local own, older_own = KEYS[9], KEYS[10]
local sent, prefix, delay, due, ttl, window, policy, kind, most, age, names, most_own =
  unpack(ARGV, 1, 12)
local parents, fields = tonumber(ARGV[13]), tonumber(ARGV[14])
local first = 15 + parents + fields -- where the jobs begin
local step = most == '' and 2 or 3

local function has_ended(status)
  return status == 'finished' or status == 'failed' or status == 'canceled' or status == 'stopped'
end

local clock
local function now() -- asked once, and only where it matters
  if not clock then
    local time = call('TIME')
    clock = tonumber(time[1]) + tonumber(time[2]) / 1000000
  end
  return clock
end

local state, failed = 'queued', nil
local waits = {}
for place = 15, 14 + parents do
  local status = call('HGET', prefix .. ARGV[place], 'status')
  if status and not has_ended(status) then
    waits[#waits + 1] = ARGV[place]
  elseif status and status ~= 'finished' and policy ~= 'run' then
    failed = ARGV[place]
  end
end

if delay ~= '' then
  due = now() + tonumber(delay) / 1000
elseif due ~= '' then
  due = tonumber(due)
elseif ttl ~= '' then
  due = now()
end

if failed and policy == 'cancel' then
  state = 'canceled'
elseif #waits > 0 and not failed then
  state = 'deferred'
elseif due ~= '' and due > now() then
  state = 'scheduled'
end

-- The hash that all jobs have; its data is each job's own. The description says the type and not
-- the id, which RQ's readers show anyway: a record is small, and jobs of a type share it.
local hash = {
  'created_at', sent, 'enqueued_at', sent, 'status', state, 'description', kind, 'data', '',
  unpack(ARGV, 15 + parents, first - 1)
}
local data = 10
local function set(field, value)
  hash[#hash + 1] = field
  hash[#hash + 1] = value
end
if window == 'live' then
  set('unique_key', unique)
end
if failed and state ~= 'canceled' then
  set('parent_failed', failed) -- a worker buries it, with the hooks that only workers know
end
if ttl ~= '' and (state == 'queued' or state == 'scheduled') then
  -- The time in the queue begins now, or when the job is due; for a job that waits for others the
  -- worker counts from the moment in which they let it go.
  set('expires_at', string.format('%.3f', due + tonumber(ttl)))
end

local function write(job, content)
  hash[data] = content
  call('HSET', job, unpack(hash))
end

-- Most fields are those of the first job: to copy it takes less than to write them again. Returns
-- whether a copy is one: in fakeredis the first job then changes with it, and gets its own back.
local function write_copy(job, content, source)
  call('HSET', job, 'data', content)
  if call('HGET', prefix .. source, 'data') == hash[data] then
    return true
  end
  call('DEL', job)
  call('HSET', prefix .. source, unpack(hash))
  write(job, content)
  return false
end

local outcome, stands
local duplicates = {}
local new, places = {}, {}
local copies, is_checked = window == '', false
for place = first, #ARGV, step do
  local id = ARGV[place]
  local job = prefix .. id
  outcome, stands = state, id
  -- Nothing is copied to a key that exists, and a key cannot be copied to itself.
  local source = copies and new[1] ~= id and new[1]
  local is_free
  if source then
    is_free = call('COPY', prefix .. source, job) == 1
  else
    is_free = call('EXISTS', job) == 0
  end
  if not is_free then
    outcome = 'known'
  elseif window ~= '' then
    local holder = call('GET', unique)
    local status = holder and call('HGET', prefix .. holder, 'status')
    if holder and (window ~= 'live' or (status and not has_ended(status))) then
      outcome, stands = 'duplicate', holder
      duplicates[#duplicates + 1] = (place - first) / step + 1
      duplicates[#duplicates + 1] = holder
    end
  end
  if outcome == state then
    if not source then
      write(job, ARGV[place + 1])
    elseif is_checked then
      call('HSET', job, 'data', ARGV[place + 1])
    else
      copies, is_checked = write_copy(job, ARGV[place + 1], source), true
    end
    new[#new + 1] = id
    places[#new] = place
    if window == 'live' then
      -- Given back when the job ends; the expiry is for jobs that end under a stock worker.
      call('SET', unique, id, 'EX', 30 * 86400)
    elseif window ~= '' then
      call('SET', unique, id, 'PX', window)
    end
  end
end
if #new == 0 then
  return { outcome, stands, unpack(duplicates) }
end

call('SADD', queues, list)
if state == 'queued' then
  call('RPUSH', list, unpack(new))
elseif state == 'scheduled' then
  for _, id in ipairs(new) do
    call('ZADD', scheduled, math.ceil(due), id)
  end
elseif state == 'deferred' then
  for _, id in ipairs(new) do
    call('ZADD', deferred, math.floor(now()), id)
    for _, parent in ipairs(waits) do
      call('SADD', prefix .. parent .. ':dependents', id)
      -- RQ writes this key with two colons (rq/job.py, dependencies_key).
      call('SADD', prefix .. ':' .. id .. ':dependencies', parent)
    end
  end
else
  for _, id in ipairs(new) do
    call('ZADD', cancelled, math.floor(now()), id)
    call('EXPIRE', prefix .. id, call('HGET', prefix .. id, 'failure_ttl') or 2592000) -- FAILURE_TTL
  end
end

-- An index has two halves. A full or old one takes the place of the one before, as a whole: to take
-- out single entries would cost more than to write them.
local function make_room(newer, before, jobs, of_fields)
  local begin = call('LINDEX', newer, 0)
  local is_full = begin and call('LLEN', newer) >= tonumber(jobs) / 2
  if is_full or (begin and tonumber(string.match(begin, '^%d+')) < (now() - age / 2) * 1000) then
    call('UNLINK', before)
    call('RENAME', newer, before)
    for field in string.gmatch(of_fields, '%S+') do
      call('UNLINK', before .. ':' .. field)
      if call('EXISTS', newer .. ':' .. field) == 1 then
        call('RENAME', newer .. ':' .. field, before .. ':' .. field)
      end
    end
  end
end

age = tonumber(age)
local stamp = (most ~= '' or most_own ~= '') and string.format('%.0f ', now() * 1000)
if most_own ~= '' then
  make_room(own, older_own, most_own, '')
  local entries = {}
  for number, id in ipairs(new) do
    entries[number] = stamp .. id
  end
  call('RPUSH', own, unpack(entries))
  call('EXPIRE', own, age)
end
if most ~= '' then
  make_room(index, older, most, names)
  local entries, added = {}, {}
  for number, id in ipairs(new) do
    local values = ARGV[places[number] + 2]
    entries[number] = stamp .. id .. '\n' .. values
    for field, value in string.gmatch(values, '([^\n:]+):([^\n]*)') do
      local members = added[field]
      if not members then
        members = {}
        added[field] = members
      end
      members[#members + 1] = '0'
      members[#members + 1] = value .. '\n' .. id
    end
  end
  call('RPUSH', index, unpack(entries))
  call('EXPIRE', index, age)
  for field, members in pairs(added) do
    call('ZADD', index .. ':' .. field, unpack(members))
    call('EXPIRE', index .. ':' .. field, age)
  end
end
return { outcome, stands, unpack(duplicates) }
