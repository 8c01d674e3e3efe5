-- KEYS: turn. ARGV: the turn that one has.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
