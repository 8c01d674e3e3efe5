-- Writes that a notice is about to be sent, if the turn still is ours and nobody has sent it.
-- KEYS: turn, outbox. ARGV: our turn, field, text.
if redis.call('GET', KEYS[1]) ~= ARGV[1] or redis.call('HEXISTS', KEYS[2], ARGV[2]) == 0 then
  return 0
end
redis.call('HDEL', KEYS[2], '')  -- lets it go on though Redis may be full
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
return 1
