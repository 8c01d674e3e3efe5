-- Acknowledge the runs that succeeded, claim what consumers left that are gone, and read what is new.
-- Streams that are full of work are read by commands of their own after this script, because what
-- they return need not go through Lua. ending.lua and fence.lua stand before this text.
-- ARGV: our prefix, key that is there while everything is suspended, group, consumer, length of its
--       life in ms, number of the step, how many entries to claim, deliveries after which an entry is
--       a suspect, 1 if each run's entry must still be ours, 1 if the streams are new to the
--       consumer, messages of one tenant that all may have in hand or 0, groups of runs as JSON, and
--       the streams in the order in which they are served, each as its key, the pauses that would
--       stop it with line feeds between, its stat, its tenant or '', and how many to read here.
--       A group is { { stream, stat, tenant or '' }, run, run, ... }, a run { entry, duration, waited }.
-- Returns: { ok | suspended | repeated, now in ms, numbers from 1 of runs that were refused, all
--          pauses, claimed entries as { place of the stream from 1, entry, deliveries before, fields },
--          entries whose content was trimmed away as { stream, entry }, read entries as { place, {
--          { entry, fields }, ... } }, streams that cannot be read as { place, error } }.
local ours, suspended, group, consumer = unpack(ARGV, 1, 4)
local length, number, wanted, many = tonumber(ARGV[5]), ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8])
local is_fenced, is_new, limit = ARGV[9] == '1', ARGV[10] == '1', tonumber(ARGV[11])
local groups = cjson.decode(ARGV[12])
local first, parts = 13, 5
local most_bytes = 1000000

local refused, claimed, trimmed, place = {}, {}, {}, 0
local found_new, broken, count_read, bytes_read = {}, {}, 0, 0

-- One question for the batch: the entries of a child's batch follow one another, as a rule.
local function held_of(stream, runs)
  local held = {}
  local found = try('XPENDING', stream, group, runs[2][1], runs[#runs][1], #runs + 100, consumer)
  for _, entry in ipairs(found.err and {} or found) do
    held[entry[1]] = true
  end
  return held
end

local function commit(runs)
  local stream, stat, tenant = unpack(runs[1])
  local held = is_fenced and held_of(stream, runs) or {}
  local counted, done = counter(stat, tenant, 'finished'), {}
  for at = 2, #runs do
    local entry, duration, waited = unpack(runs[at])
    place = place + 1
    if not is_fenced or held[entry] or is_held(stream, group, consumer, entry) then
      done[#done + 1] = entry
      count(counted, duration, waited)
    else
      refused[#refused + 1] = place
      note(stat, tenant, 'lease_lost', duration, '')
    end
  end
  if #done > 0 then
    try('XACK', stream, group, unpack(done))
  end
end

local pauses, stopped = call('HKEYS', ours .. 'pauses'), {}
for _, pause in ipairs(pauses) do
  stopped[pause] = true
end

local function is_paused(names)
  if #pauses > 0 then
    for name in string.gmatch(names, '[^\n]+') do
      if stopped[name] then
        return true
      end
    end
  end
  return false
end

-- Whether suspects are claimed in this step: they or others, or who dies with one would be suspected.
local of_suspects = nil
local is_enough = wanted == 0

local function chosen(pending, room)
  local ids, before = {}, {}
  for _, entry in ipairs(pending) do
    local is_suspect = entry[4] >= many
    if of_suspects == nil then
      of_suspects = is_suspect
    end
    if is_suspect == of_suspects and #ids < room then
      ids[#ids + 1], before[entry[1]] = entry[1], entry[4]
    end
  end
  is_enough = #ids == room or (#ids == 0 and #pending > 0)
  return ids, before
end

-- A suspect counts as delivered when it is begun, see begin.lua: many wait in one hand, and only one
-- of them ends it.
local function claim(stream, ids, before)
  if not of_suspects then
    return call('XCLAIM', stream, group, consumer, 0, unpack(ids))
  end
  local found = {}
  for _, id in ipairs(ids) do
    found[#found + 1] = call('XCLAIM', stream, group, consumer, 0, id, 'RETRYCOUNT', before[id])[1]
  end
  return found
end

-- Returns whether there is nothing left of it.
local function claim_from(at, stream, dead)
  local room = wanted - #claimed
  local pending = try('XPENDING', stream, group, '-', '+', room + 1, dead)
  if pending.err then
    return true
  end
  local ids, before = chosen(pending, room)
  if #ids > 0 then
    local there = {}
    for _, entry in ipairs(claim(stream, ids, before)) do
      if entry and entry[2] then -- Redis 6 returns nothing in the place of what is gone
        there[entry[1]] = true
        claimed[#claimed + 1] = { at, entry[1], before[entry[1]], entry[2] }
      end
    end
    for _, id in ipairs(ids) do
      if not there[id] then
        call('XACK', stream, group, id)
        trimmed[#trimmed + 1] = { stream, id }
        note(ARGV[first + parts * (at - 1) + 2], '', 'payload_trimmed', 0, '')
      end
    end
  end
  if #ids < #pending or #call('XPENDING', stream, group, '-', '+', 1, dead) > 0 then
    return false
  end
  call('XGROUP', 'DELCONSUMER', stream, group, dead)
  return true
end

local function claim_all(dead)
  local consumes = ours .. 'consumes:' .. group .. ':' .. dead
  for index = first, #ARGV, parts do
    if is_enough then
      return
    end
    local stream = ARGV[index]
    if call('SISMEMBER', consumes, stream) == 1 and not is_paused(ARGV[index + 1]) then
      if claim_from((index - first) / parts + 1, stream, dead) then
        call('SREM', consumes, stream)
      end
    end
  end
  if call('EXISTS', consumes) == 0 then
    call('ZREM', ours .. 'orphaned:' .. group, dead)
  end
end

-- The longest dead first, or their entries could wait for long behind those of later ones. Where
-- there are many, some by chance as well: the first may have only streams that this one does not serve.
local function orphans()
  local key = ours .. 'orphaned:' .. group
  local found = call('ZRANGE', key, 0, 7)
  if #found == 8 then
    for _, name in ipairs(call('ZRANDMEMBER', key, 4)) do
      found[#found + 1] = name
    end
  end
  return found
end

local function show_life()
  local key = ours .. 'consumers:' .. group
  if call('ZADD', key, now_ms + length, consumer) == 1 then
    call('ZREM', ours .. 'orphaned:' .. group, consumer)
    is_new = true
  end
  if is_new then
    local consumes = ours .. 'consumes:' .. group .. ':' .. consumer
    for index = first, #ARGV, parts do
      call('SADD', consumes, ARGV[index])
    end
  end
end

local in_hand = {}

-- What all consumers together have of a tenant: the streams of it that this one serves.
local function in_hand_of(tenant)
  if not in_hand[tenant] then
    in_hand[tenant] = 0
    for index = first, #ARGV, parts do
      if ARGV[index + 3] == tenant then
        local summary = try('XPENDING', ARGV[index], group)
        in_hand[tenant] = in_hand[tenant] + (summary.err and 0 or summary[1])
      end
    end
  end
  return in_hand[tenant]
end

local function room_for(tenant, most)
  local room = math.min(most, wanted - #claimed - count_read)
  if limit > 0 and tenant ~= '' then
    room = math.min(room, limit - in_hand_of(tenant))
  end
  return room
end

local function read_from(index)
  local stream, tenant = ARGV[index], ARGV[index + 3]
  local room = room_for(tenant, tonumber(ARGV[index + 4]))
  if room <= 0 or is_paused(ARGV[index + 1]) then
    return
  end
  local at = (index - first) / parts + 1
  local answer = try('XREADGROUP', 'GROUP', group, consumer, 'COUNT', room, 'STREAMS', stream, '>')
  if answer and answer.err then
    broken[#broken + 1] = { at, answer.err }
  elseif answer then
    local entries = answer[1][2]
    found_new[#found_new + 1] = { at, entries }
    count_read = count_read + #entries
    if limit > 0 and tenant ~= '' then
      in_hand[tenant] = in_hand[tenant] + #entries
    end
    for _, value in ipairs(entries[1][2]) do
      bytes_read = bytes_read + #value * #entries
    end
  end
end

local function read_all()
  for index = first, #ARGV, parts do
    if #claimed + count_read >= wanted or bytes_read > most_bytes then
      return
    end
    read_from(index)
  end
end

show_life()
local state, done = 'ok', ours .. 'step:' .. consumer
if call('GET', done) == number then
  state = 'repeated'
else
  call('SET', done, number, 'PX', length * 20)
  for _, runs in ipairs(groups) do
    commit(runs)
  end
  if call('EXISTS', suspended) == 1 then
    state = 'suspended'
  elseif wanted > 0 then
    for _, dead in ipairs(orphans()) do
      if dead ~= consumer then
        claim_all(dead)
      end
    end
    read_all()
  end
  write_notes(ours)
end
return { state, now_ms, refused, pauses, claimed, trimmed, found_new, broken }
