-- Remove what is done from a stream. Where something old is not done, what is done after it goes one
-- by one, or by ACKED where the server has it. trim.lua stands before this text.
-- ARGV: stream, how many of the newest stay, how many entries to look at, where to go on or ''
-- Returns: { how many went, where to go on or '' if all was looked at }.
local stream, keep, most, from = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
if redis.call('TYPE', stream).ok ~= 'stream' then
  return { 0, '' }
end

local gone = 0
if from == '' then
  gone = trim(stream, keep)
end
local names, lowest, read = groups_of(stream)
if not lowest or not is_less(lowest, read) then
  return { gone, '' }
end

local newest = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', keep)
local upto = lower(read, newest[#newest] and newest[#newest][1])
if (redis.REDIS_VERSION_NUM or 0) >= 0x080200 then -- it knows itself what every group has acknowledged
  return { gone + redis.call('XTRIM', stream, 'MINID', '=', upto, 'ACKED'), '' }
end
local entries = redis.call('XRANGE', stream, '(' .. (from == '' and lowest or from), upto, 'COUNT', most)
if #entries == 0 then
  return { gone, '' }
end

local first, last, pending = entries[1][1], entries[#entries][1], {}
for _, group in ipairs(names) do
  local found = redis.call('XPENDING', stream, group, first, last, most + 1)
  if #found > most then -- entries that others have trimmed stand there, too: too many to see all
    return { gone, last }
  end
  for _, entry in ipairs(found) do
    pending[entry[1]] = true
  end
end
local done = {}
for _, entry in ipairs(entries) do
  if not pending[entry[1]] and entry[1] ~= upto then
    done[#done + 1] = entry[1]
  end
end
if #done > 0 then
  gone = gone + redis.call('XDEL', stream, unpack(done))
end
return { gone, #entries == most and last or '' }
