-- Acknowledge one entry that its consumer still has. fence.lua stands before this text.
-- ARGV: our prefix, group, consumer, stream, entry
-- Returns: 1, or 0 if somebody else has it or nobody.
local _, group, consumer, stream, entry = unpack(ARGV)
if not is_held(stream, group, consumer, entry) then
  return 0
end
return redis.call('XACK', stream, group, entry)
