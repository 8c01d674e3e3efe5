-- Count what was lost, once, however many workers have seen it. ending.lua stands before this text.
-- ARGV: our prefix, key that says that it was counted, ms for which it says so, stat, outcome, number
-- Returns: 1 if it was counted now.
local ours, key, ms, stat, outcome, number = unpack(ARGV)
if not redis.call('SET', key, '1', 'NX', 'PX', ms) then
  return 0
end
local found = counter(stat, '', outcome)
found.n = tonumber(number)
write_notes(ours)
return 1
