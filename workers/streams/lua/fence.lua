-- Whether an entry is still in the hands of a consumer: who lost it must not end it. XACK itself would
-- not ask. Stands before the text of scripts that end runs.
local function is_held(stream, group, consumer, entry)
  local found = redis.pcall('XPENDING', stream, group, entry, entry, 1, consumer)
  return not found.err and #found == 1
end
