-- Lease the next jobs: the second half of a step. commit.lua stands before this text, and says what is
-- asked for.
-- Returns: { state: ok | suspended | repeated, now in ms, numbers from 1 of runs that were refused, of
--           runs whose job others wait for, and of runs whose record is no record any more, all
--           pauses, leased jobs, entries of lists that cannot be ids }. Leased jobs are either
--           { place of their list from 1, { names and values of the fields that plain jobs have in
--           common }, { id, time, data and description of the first, of the second, ... } }, or
--           { place of its list from 1, count of jobs leased in a pause, id, hash }.
local leased, count_leased, strange = {}, 0, {}

-- Where the fields of a hash stand in its reply. Those of the jobs of one step are nearly always
-- laid out alike, and to compare names is a small part of what it takes to look each of them up.
local layout = { length = -1 }
-- Whose a job is stays where it stands: the engine takes that from the message.
local own = { created_at = true, enqueued_at = true, description = true, data = true,
  tenant = true }
local alike = { status = true, origin = true, timeout = true, result_ttl = true,
  failure_ttl = true, meta = true }

local function lay_out(fields)
  local names, places, shared, is_plain = {}, {}, {}, true
  for at = 1, #fields, 2 do
    local name = fields[at]
    names[at], places[name] = name, at + 1
    if alike[name] then
      shared[#shared + 1] = at
    elseif not own[name] then
      is_plain = false
    end
  end
  layout = { length = #fields, names = names, places = places, shared = shared,
    is_plain = is_plain and places.created_at and places.enqueued_at and places.description
      and places.data }
end

local function is_laid_out_alike(fields)
  if #fields ~= layout.length then
    return false
  end
  local names = layout.names
  for at = 1, #fields, 2 do
    if fields[at] ~= names[at] then
      return false
    end
  end
  return true
end

local function has_common(common, fields)
  for number, at in ipairs(layout.shared) do
    if common[2 * number] ~= fields[at + 1] then
      return false
    end
  end
  return true
end

local function common_of(fields)
  local common = {}
  for _, at in ipairs(layout.shared) do
    common[#common + 1] = fields[at]
    common[#common + 1] = fields[at + 1]
  end
  return common
end

-- Adds a job that is exactly as our producer wrote it, with no option but what stands in `alike`. These share what is the same
-- for all of them: to hand a value over to Redis costs as much as to compare some twenty.
local function add_plain(at, id, fields)
  local of = layout.places
  local last = leased[#leased]
  if not last or last[1] ~= at or last.layout ~= layout or not has_common(last[2], fields) then
    last = { at, common_of(fields), {}, layout = layout }
    leased[#leased + 1] = last
  end
  local rows = last[3]
  local place = #rows
  rows[place + 1], rows[place + 2] = id, fields[of.enqueued_at]
  rows[place + 3], rows[place + 4] = fields[of.data], fields[of.description]
end

local function read(id)
  local fields = try('HGETALL', rq_job .. id)
  if fields.err then
    fields = { 'unreadable', fields.err }
  end
  if not is_laid_out_alike(fields) then
    lay_out(fields)
  end
  return fields
end

local function bytes_of(fields)
  local bytes = 0
  for index = 2, #fields, 2 do
    bytes = bytes + #fields[index]
  end
  return bytes
end

-- Whether an entry has bytes that no id has. To look for them as a pattern takes five times as long.
local function is_strange(id)
  local most = #id > 255 and 255 or math.max(0, string.byte(id, 1, -1))
  return most > 127
end

-- Returns false if the job must wait for the next step: it is to be alone, or the reply is full.
local function add_leased(at, list, id, so_far)
  local fields = read(id)
  local of = layout.places
  local is_plain = layout.is_plain and not holds_some and fields[of.created_at] == fields[of.enqueued_at]
  so_far = so_far + (is_plain and #fields[of.data] + #fields[of.description] or bytes_of(fields))
  -- A job whose worker died may be the one that killed it, so it runs without neighbours.
  if count_leased > 0 and (of.lost or so_far > most_bytes) then
    return false
  end
  if of.ttl then
    call('PERSIST', rq_job .. id)
  end
  count_leased = count_leased + 1
  if is_plain then
    add_plain(at, id, fields)
  else
    local order = holds_some and call('INCR', ours .. 'claim_order') or 0
    leased[#leased + 1] = { at, order, id, fields }
  end
  return not of.lost, so_far
end

local function lease_from(at, list, most, bytes)
  local ids = call('LPOP', rq .. 'queue:' .. list, math.min(most, wanted - count_leased)) or {}
  local members, shadows, is_full = {}, {}, false
  local last = call('ZREVRANGE', leases, 0, 0, 'WITHSCORES')[2]
  local place, suffix = (tonumber(last) or 0) - count_leased, ':' .. execution
  for index, id in ipairs(ids) do
    local before, goes_on = count_leased, true
    if is_strange(id) then
      -- Kept where a person can look at it: nobody could name such a job.
      call('RPUSH', ours .. 'strange', list .. ' ' .. id)
      call('LTRIM', ours .. 'strange', -1000, -1)
      strange[#strange + 1] = list .. ' ' .. id
    else
      goes_on, bytes = add_leased(at, list, id, bytes)
    end
    if count_leased > before then
      local token, next_one = id .. suffix, #members
      members[next_one + 1], members[next_one + 2] = place + count_leased, token
      shadows[next_one + 1], shadows[next_one + 2] = shadow, token
    end
    if not goes_on then
      is_full = true
      for back = #ids, index + (count_leased - before), -1 do
        call('LPUSH', rq .. 'queue:' .. list, ids[back])
      end
      break
    end
  end
  if #members > 0 then
    call('ZADD', leases, unpack(members))
    call('ZADD', rq .. 'wip:' .. list, unpack(shadows))
  end
  return is_full, bytes
end

local function lease_all()
  local stopped = {}
  for _, pause in ipairs(pauses) do
    stopped[pause] = true
    holds_some = holds_some or string.sub(pause, 1, 6) ~= 'queue:'
  end
  local bytes, is_full = 0, false
  for index = first_list, #ARGV, 3 do
    if is_full or count_leased >= wanted then
      return
    end
    if not stopped[ARGV[index]] then
      local list, most = ARGV[index + 1], tonumber(ARGV[index + 2])
      is_full, bytes = lease_from((index - first_list) / 3 + 1, list, most, bytes)
    end
  end
end

-- The answer to this step was lost on its way, so it is asked for again: nothing is done twice.
local function answer_again()
  for _, group in ipairs(groups) do
    spread(group)
  end
  for at, token in ipairs(tokens) do
    if call('ZSCORE', leases, token) then
      awaited[#awaited + 1] = at
    end
  end
  local place = {}
  for index = first_list, #ARGV, 3 do
    place[ARGV[index + 1]] = (index - first_list) / 3 + 1
  end
  for _, token in ipairs(call('ZRANGE', leases, 0, -1)) do
    local id, of = string.match(token, '^(.*):([^:]*)$')
    if of == execution then
      local fields = try('HGETALL', rq_job .. id)
      local list = not fields.err and call('HGET', rq_job .. id, 'origin')
      leased[#leased + 1] = { place[list] or 1, 0, id, fields.err and { 'unreadable', fields.err } or fields }
    end
  end
end

call('ZADD', ours .. 'holders', now_ms + length, holder)
local state = 'ok'
if call('GET', ours .. 'step:' .. holder) == number then
  state = 'repeated'
  answer_again()
else
  call('SET', ours .. 'step:' .. holder, number, 'PX', length * 20)
  commit_all()
  write_notes(ours)
  if call('EXISTS', rq .. 'suspended') == 1 then
    state = 'suspended'
  elseif wanted > 0 then
    lease_all()
  end
end
return { state, now_ms, refused, awaited, broken, pauses, leased, strange }
