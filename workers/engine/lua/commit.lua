-- Commit the runs that succeeded: the first half of a step, which ends in step.lua. ending.lua stands
-- before this text.
-- KEYS: none; every name is built from the prefixes, as RQ's own scripts do
-- ARGV: RQ's prefix, ours, holder, worker, length of a lease in ms, finished jobs without a result
--       to keep per list, 1 to keep the payloads of finished jobs, number of the step, how many jobs
--       to lease, groups of runs as JSON, then
--       the lists in the order in which they are served, each as the pause that would stop it, its
--       name, and how many jobs to take of it at most. A group is { what its runs have in common,
--       run, run, ... }: { execution, list, TTL in s, unique key or '', finished jobs to keep or -1,
--       stat, tenant or '' }, and { id, started, ended, '' or { result, started and ended in Unix
--       s }, duration, waited or '' }.
local rq, ours, holder, worker = unpack(ARGV, 1, 4)
local length, most_kept, keeps_payload = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7] == '1'
local number, wanted, groups = ARGV[8], tonumber(ARGV[9]), cjson.decode(ARGV[10])
local first_list = 11
local leases = ours .. 'leases:' .. holder
local rq_job = rq .. 'job:'
local execution = holder .. '-' .. number
local most_bytes = 1000000
-- Stock readers end what expired by their own clocks, so for them a run lasts 30 days (A4).
local shadow = text_of(now_s + 30 * 86400)

local refused, awaited, broken = {}, {}, {}
local pauses, holds_some = call('HKEYS', ours .. 'pauses'), false

-- Asks for all at once; only if one differs, one by one. Returns a function of the place.
local function which_exist(keys, count_if_all_same)
  if #keys == 0 or call('EXISTS', unpack(keys)) == count_if_all_same then
    return function() return count_if_all_same > 0 end
  end
  return function(at) return call('EXISTS', keys[at]) == 1 end
end

-- Of the runs, by their numbers: what they are, what they have in common with others, and the names
-- that are needed again and again.
local runs, commons, jobs, tokens, dependents = {}, {}, {}, {}, {}
local said_by_list = {}

-- What is said about the runs of one list, for one command each.
local function said_of(list)
  local found = said_by_list[list]
  if not found then
    found = { shadows = {}, finished = {}, silent = {} }
    said_by_list[list] = found
  end
  return found
end

local function spread(group)
  local common = group[1]
  local suffix = ':' .. common[1]
  common.said = said_of(common[2])
  common.ttl = common[3] > 0 and text_of(common[3])
  common.until_when = common.ttl and text_of(now_s + common[3]) or '+inf'
  for at = 2, #group do
    local run, place = group[at], #runs + 1
    runs[place], commons[place] = run, common
    jobs[place], tokens[place] = rq_job .. run[1], run[1] .. suffix
    dependents[place] = jobs[place] .. ':dependents'
  end
end

local function keep_newest(list, most)
  local surplus = call('ZCARD', rq .. 'finished:' .. list) - most
  if surplus > 0 then
    for _, id in ipairs(call('ZRANGE', rq .. 'finished:' .. list, 0, math.min(surplus, 500) - 1)) do
      call('ZREM', rq .. 'finished:' .. list, id)
      forget(rq, ours, id)
    end
  end
end

local function store_result(id, run_execution, result, ttl)
  local key = rq .. 'results:' .. id
  call('XADD', key, 'MAXLEN', '~', '10', '*', 'type', '1', 'worker_name', worker,
    'return_value', result[1], 'execution_id', run_execution, 'execution_started_at', result[2],
    'execution_ended_at', result[3])
  if ttl then
    call('EXPIRE', key, ttl)
  end
end

-- Returns false if something else stands where the record was.
local function keep_record(run, job, common)
  local id, ttl, said = run[1], common[3], common.said
  if ttl == 0 then
    call('UNLINK', job, rq .. 'results:' .. id, rq_job .. ':' .. id .. ':dependencies')
    return true
  end
  local written = try('HSET', job, 'status', 'finished', 'started_at', run[2], 'ended_at',
    run[3], 'worker_name', worker)
  if type(written) == 'table' then
    return false
  end
  if not keeps_payload then
    call('HSET', job, 'data', '') -- RQ's readers need the field
  end
  local finished = said.finished
  finished[#finished + 1] = common.until_when
  finished[#finished + 1] = id
  if run[4] ~= '' then
    store_result(id, common[1], run[4], common.ttl)
  else
    said.silent[#said.silent + 1] = id
  end
  if common.ttl then
    call('EXPIRE', job, common.ttl)
  end
  return true
end

-- Finished jobs that returned nothing: the newest ones of each list.
local function trim(list, ids)
  if #ids == 0 then
    return
  end
  local key, registry = ours .. 'finished:' .. list, rq .. 'finished:' .. list
  local surplus = call('RPUSH', key, unpack(ids)) - most_kept
  if surplus <= 0 then
    return
  end
  local old = call('LPOP', key, math.min(surplus, 500)) or {}
  local gone = {}
  for at, score in ipairs(call('ZMSCORE', registry, unpack(old))) do
    if score then -- else it runs again
      for _, name in ipairs(names_of(rq, ours, old[at])) do
        gone[#gone + 1] = name
      end
    end
  end
  if #gone > 0 then
    call('UNLINK', unpack(gone))
    call('ZREM', registry, unpack(old))
  end
end

local over, told = {}, {}

-- Ends a run, unless somebody else has taken it over, or others wait for its job.
local function commit(at, is_held, is_there)
  local run, common = runs[at], commons[at]
  local id = run[1]
  if not is_held then
    refused[#refused + 1] = at
    note(common[6], common[7], 'lease_lost', run[5], '')
    return
  end
  -- One that somebody removed while it ran gets no record: half of one would be worse.
  if is_there and not keep_record(run, jobs[at], common) then
    broken[#broken + 1] = at
    return
  end
  over[#over + 1] = tokens[at]
  local shadows = common.said.shadows
  shadows[#shadows + 1] = tokens[at]
  if common[4] ~= '' then
    free_unique(common[4], id)
  end
  told[#told + 1] = id
  common.counter = common.counter or counter(common[6], common[7], 'finished')
  count(common.counter, run[5], run[6])
end

local function write_said(list, said)
  if #said.shadows > 0 then
    call('ZREM', rq .. 'wip:' .. list, unpack(said.shadows))
  end
  if #said.finished > 0 then
    call('ZADD', rq .. 'finished:' .. list, unpack(said.finished))
  end
  trim(list, said.silent)
end

local function commit_all()
  for _, group in ipairs(groups) do
    spread(group)
  end
  if #runs == 0 then
    return
  end
  local is_awaited, is_there = which_exist(dependents, 0), which_exist(jobs, #jobs)
  local held = call('ZMSCORE', leases, unpack(tokens))
  for at = 1, #runs do
    if is_awaited(at) then
      awaited[#awaited + 1] = at
    else
      commit(at, held[at], is_there(at))
    end
  end
  if #over > 0 then
    call('ZREM', leases, unpack(over))
  end
  for list, said in pairs(said_by_list) do
    write_said(list, said)
  end
  for _, group in ipairs(groups) do
    if group[1][5] >= 0 then
      keep_newest(group[1][2], group[1][5])
    end
  end
  tell(ours, 'finished', told)
end
