-- Add entries to a stream, or keep them until they are due. trim.lua stands before this text.
-- ARGV: our prefix, stream, its tenant or '', limit, of the newest entries how many stay though they
--       are done, 1 if entries are added beyond the limit, 1 if the call is made again because its
--       answer was lost, delay in ms or '', and the entries, each as the number of its parts, and its
--       names and values, `job_id` first
-- Returns: { added | delayed | full, length, ids of the entries }.
local ours, stream, tenant, limit, keep, beyond, again, delay = unpack(ARGV, 1, 8)
limit, keep = tonumber(limit), tonumber(keep)
local newest = 1000

local entries, at = {}, 9
while at <= #ARGV do
  local parts = tonumber(ARGV[at])
  entries[#entries + 1] = { unpack(ARGV, at + 1, at + parts) }
  at = at + parts + 1
end

-- Before anything is written: what Redis refuses, to this user or as no stream, leaves nothing behind.
local length = redis.call('XLEN', stream)

if redis.call('SADD', ours .. 'streams', stream) == 1 and tenant ~= '' then
  redis.call('SADD', ours .. 'streams:' .. tenant, stream)
end

if delay ~= '' then
  local clock = redis.call('TIME')
  local due = clock[1] * 1000 + math.floor(clock[2] / 1000) + delay
  for _, fields in ipairs(entries) do
    local member = stream .. '\n' .. fields[2]
    redis.call('ZADD', ours .. 'delayed', due, member)
    redis.call('HSET', ours .. 'delayed-entries', member, cjson.encode(fields))
  end
  return { 'delayed', 0, {} }
end

-- Whose answer was lost may have been added already: it is among the newest then.
local known = {}
if again == '1' then
  for _, entry in ipairs(redis.call('XREVRANGE', stream, '+', '-', 'COUNT', newest)) do
    if entry[2][1] == 'job_id' then
      known[entry[2][2]] = entry[1]
    end
  end
end

local function are_known()
  for _, fields in ipairs(entries) do
    if not known[fields[2]] then
      return false
    end
  end
  return again == '1'
end

if length + #entries > limit then
  if length > 0 then
    length = length - trim(stream, keep)
  end
  if length + #entries > limit and beyond ~= '1' and not are_known() then
    return { 'full', length, {} }
  end
end

local ids = {}
for place, fields in ipairs(entries) do
  ids[place] = known[fields[2]] or redis.call('XADD', stream, '*', unpack(fields))
end
return { 'added', redis.call('XLEN', stream), ids }
