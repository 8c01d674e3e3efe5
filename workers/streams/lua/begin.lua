-- Count that a suspect is begun, if it is still ours. fence.lua stands before this text.
-- ARGV: our prefix, group, consumer, stream, entry, how often it was lost before
-- Returns: 1, or 0 if somebody else has it by now.
local _, group, consumer, stream, entry, lost = unpack(ARGV)
if not is_held(stream, group, consumer, entry) then
  return 0
end
redis.call('XCLAIM', stream, group, consumer, 0, entry, 'RETRYCOUNT', lost + 1, 'JUSTID')
return 1
