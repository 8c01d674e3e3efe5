-- Remove what is done from a stream, and nothing else. Stands before the text of scripts that trim.

local function is_less(one, other)
  local ms, seq = string.match(one, '^(%d+)-(%d+)$')
  local other_ms, other_seq = string.match(other, '^(%d+)-(%d+)$')
  -- As text: the numbers may be larger than Lua's are exact.
  local function less(a, b)
    if #a ~= #b then
      return #a < #b
    end
    return a < b
  end
  return less(ms, other_ms) or (ms == other_ms and less(seq, other_seq))
end

local function lower(one, other)
  return (not one or (other and is_less(other, one))) and other or one
end

-- The groups of a stream: their names, the lowest id that one of them has not finished, and up to
-- where all of them have read. Nothing if there is no group: then nobody has done anything.
local function groups_of(stream)
  local names, lowest, read = {}, nil, nil
  for _, flat in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    local group = {}
    for at = 1, #flat, 2 do
      group[flat[at]] = flat[at + 1]
    end
    names[#names + 1] = group.name
    read = lower(read, group['last-delivered-id'])
    lowest = lower(lowest, redis.call('XPENDING', stream, group.name)[2])
  end
  return names, lowest, read
end

-- Removes what is older than all that is not done. keep: of the newest entries, how many stay even
-- though they are done. Returns how many went.
local function trim(stream, keep)
  local _, lowest, read = groups_of(stream)
  local first = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
  if not read or not first then
    return 0
  end
  local safe = lower(lowest, read)
  if not is_less(first[1], safe) then
    return 0
  end
  local newest = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', keep)
  return redis.call('XTRIM', stream, 'MINID', '=', lower(safe, newest[#newest][1]))
end
